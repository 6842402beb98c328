/** The worked examples of `test/examples/`: some wait for a deadline, so a clock is moved on. */
import { beforeAll, expect, it } from 'vitest';
import type { AnyTransition } from '../../functions/core/definition.ts';
import type { EntityState } from '../../functions/core/entity.ts';
import { exampleBody, exampleNow } from '../../functions/core/examples.ts';
import { publicTransitions, registerDomains } from '../../functions/core/registry.ts';
import { subjectId } from '../../functions/docs/example-body.ts';
import { bodyOf } from '../../functions/docs/example-cast.ts';
import { commandId } from '../../functions/docs/names.ts';
import { createOpenApi } from '../../functions/docs/openapi.ts';
import { answer, unanswered } from '../support/answering.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { runDue } from '../support/due.ts';
import { createOpenApiClient } from '../support/openapi-client.ts';
import type { OpenApiClient, Session } from '../support/openapi-client.ts';
import { createTestClock } from '../support/test-clock.ts';
import { Walk } from '../support/walk.ts';
import { secretsOf } from '../support/walk-inputs.ts';
import { examples } from '../examples/index.ts';

const clock = createTestClock();
let api: TestBackend;
let client: OpenApiClient;
const stateOf = (tenant: string, entity: string): Promise<EntityState> =>
  new Walk(api, clock, tenant).state(entity);

beforeAll(async () => {
  api = await startBackend({ domains: examples, clock });
  const document = createOpenApi(registerDomains(examples)) as unknown as Readonly<Record<string, unknown>>;
  client = createOpenApiClient(
    document,
    api,
    async (tenant, entity, type, outcome) => {
      const message = (await unanswered(api, tenant, entity)).find((item) => item.type === type);
      if (!message) throw new Error(`no ${type} of ${entity} waits for an answer`);
      await answer(api, message, outcome);
    },
    async (tenant, entity, transition) => {
      const state = await stateOf(tenant, entity);
      expect(state.due?.transition).toBe(transition);
      clock.moveTo(Math.max(clock.now(), state.due?.at ?? 0));
      expect((await runDue(api, tenant, state)).status).toBe(200);
    },
  );
});

/** What stands for a secret in an example is what the mail of its entity said. */
async function learnSecrets({ tenant, known }: Session, example: string, transition?: AnyTransition) {
  const entity = known.get(example);
  if (entity === undefined || !transition?.input) return;
  const secrets = await secretsOf(api.backend.store, tenant, await stateOf(tenant, entity), transition);
  const body = exampleBody(transition.input);
  for (const [field, secret] of Object.entries(secrets)) known.set(String(body[field]), String(secret));
}

const commands = examples.flatMap((domain) =>
  ['create', ...publicTransitions(domain)].map((name) => [commandId(domain, name), domain, name] as const),
);

it.each(commands)(
  'each example is accepted as it stands, after those it names: %s',
  async (id, domain, name) => {
    // What lies ahead in the examples is reckoned from here.
    clock.moveTo(exampleNow);
    const session = client.newSession();
    await client.prepare(session, id);
    const transition = domain.transitions[name];
    await learnSecrets(session, subjectId(domain, bodyOf(domain, name)), transition);
    const reply = await client.send(session, id);
    expect(reply.status, reply.text).toBeLessThan(300);
    expect(client.faultsOf(id, reply), reply.text).toEqual([]);
  },
);
