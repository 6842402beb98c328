import { createConfig, lintFromString } from '@redocly/openapi-core';
import { expect, test } from 'vitest';
import { registerDomains } from '../../functions/core/registry.ts';
import { createOpenApi } from '../../functions/docs/openapi.ts';
import { domains } from '../../functions/domains/index.ts';

test('a public linter has nothing to say about the OpenAPI document, neither error nor warning', async () => {
  const problems = await lintFromString({
    source: JSON.stringify(createOpenApi(registerDomains(domains)), null, 1),
    absoluteRef: 'openapi.json',
    config: await createConfig({ extends: ['recommended-strict'] }),
  });
  const found = problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer]);
  expect(found).toEqual([]);
}, 60_000);
