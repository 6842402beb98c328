/** The README's other way from TypeScript: `openapi-fetch` with types made from the OpenAPI document, as it stands there. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import openapiTS, { astToString } from 'openapi-typescript';
import type { OpenAPI3 } from 'openapi-typescript';
import ts from 'typescript';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createOpenApi } from '../../functions/docs/openapi.ts';
import { answerAll } from '../support/answering.ts';
import { idOf } from '../support/answers.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { startLossyConnection, without } from '../support/lossy-connection.ts';
import type { LossyConnection } from '../support/lossy-connection.ts';

const root = path.join(import.meta.dirname, '../..');
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const [, imports = '', body = ''] =
  /```ts\n((?:import .*\n)*import .* from '\.\/api\.d\.ts';.*\n)\n([^`]*(?:`[^`\n]*`[^`]*)*?)```/.exec(
    readme,
  ) ?? [];

let folder: string;
let api: TestBackend;
let server: LossyConnection;
beforeAll(async () => {
  // What is not installed would look like a fault of the README.
  createRequire(import.meta.url).resolve('openapi-fetch');
  // Beside `node_modules`, where the compiler finds the package.
  mkdirSync(path.join(root, '.local'), { recursive: true });
  folder = mkdtempSync(path.join(root, '.local', 'openapi-fetch-'));
  api = await startBackend();
  server = await startLossyConnection(
    async ({ method, path: asked, headers, body: sent }) => {
      // The claims come from the authorizer in front, which is not here.
      const rest = without(headers, 'authorization');
      const reply = await api.request(method, asked, {
        headers: rest,
        ...(sent !== '' && { rawBody: sent }),
      });
      return { status: reply.status, headers: reply.headers, body: reply.text };
    },
    { lostShare: 0, delayMaxMs: 0 },
  );
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await server.stop();
});

const parameters = '(baseUrl: string, token: string, id: string, key: string)';

it('the lines of the README compile with the document’s types, and a wrong one does not', async () => {
  expect(body).toContain("'/v1/payments/{id}/refund'");
  const document = JSON.parse(JSON.stringify(createOpenApi(api.backend.registry))) as OpenAPI3;
  writeFileSync(path.join(folder, 'api.d.ts'), astToString(await openapiTS(document)));
  const file = path.join(folder, 'shown.ts');
  const mistake = body.replace('  body: { amount', '  // @ts-expect-error -- a number\n  body: { amounts');
  expect(mistake).not.toBe(body);
  const functions = [body, mistake].map(
    (lines, index) => `export async function shown${index}${parameters} {\n${lines}  return undefined;\n}\n`,
  );
  writeFileSync(file, [imports, ...functions].join('\n'));
  const { options } = ts.parseJsonConfigFileContent(
    (ts.readConfigFile(path.join(root, 'tsconfig.json'), (name) => ts.sys.readFile(name)).config ??
      {}) as object,
    ts.sys,
    root,
  );
  const program = ts.createProgram([file], options);
  const faults = ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  expect(faults).toEqual([]);
});

it('and they do what they say', async () => {
  const file = path.join(folder, 'run.ts');
  writeFileSync(
    file,
    `${imports}\nexport async function shown${parameters} {\n${body}  return undefined;\n}\n`,
  );
  const { shown } = (await import(file)) as {
    readonly shown: (...given: readonly string[]) => Promise<unknown>;
  };
  const payment = { payer: 'ada', payee: 'shop', amount: 400, currency: 'EUR' };
  const id = idOf(await api.post('/v1/payments', payment));
  await api.post(`/v1/payments/${id}/confirm`);
  await answerAll(api, 'acme');
  const refund = (): Promise<unknown> => shown(server.url, 'x', id, randomUUID());
  expect([await refund(), await refund()]).toEqual([250, 'too much']);
});
