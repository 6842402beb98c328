import { randomUUID } from 'node:crypto';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Audit } from '../../functions/api/audit.ts';
import { createAudit } from '../../functions/audit/audit.ts';
import { secretFields } from '../../functions/core/fields.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { exampleBody } from '../../functions/docs/example-body.ts';
import { createOpenApi } from '../../functions/docs/openapi.ts';
import { domains } from '../../functions/domains/index.ts';
import { answer, bury, unanswered } from '../support/answering.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { createOpenApiClient } from '../support/openapi-client.ts';
import type { OpenApiClient, Session } from '../support/openapi-client.ts';

const document = createOpenApi(registerDomains(domains)) as unknown as Readonly<Record<string, unknown>>;
const paths = document['paths'] as Record<
  string,
  Record<string, { operationId: string; security: unknown[] }>
>;
const operationIds = Object.values(paths)
  .flatMap((item) => Object.values(item))
  .filter(({ security }) => security.length > 0)
  .map(({ operationId }) => operationId);
const commandIds = operationIds.filter((id) => !/^(?:get|list|redrive|resolve|run|stop)/.test(id));

/** What stands for a secret in the examples; the real one is drawn by the server and goes out by mail. */
const secretExamples = domains.flatMap(({ transitions }) =>
  Object.values(transitions).flatMap(({ input }) => {
    if (!input) return [];
    const body = exampleBody(input);
    return [...secretFields(input)].map((field) => String(body[field]));
  }),
);

let api: TestBackend;
let client: OpenApiClient;
beforeAll(async () => {
  const audit: Audit = (tenant, cursor) => createAudit(api.backend)(tenant, cursor);
  api = await startBackend({ audit });
  client = createOpenApiClient(document, api, async (tenant, entity, type, outcome) => {
    const message = (await unanswered(api, tenant, entity)).find((item) => item.type === type);
    if (!message) throw new Error(`no ${type} of ${entity} waits for an answer`);
    await answer(api, message, outcome);
  });
});

/** Reads the mails a tenant's commands caused, as the invited person would, for what an example's secret stands for. */
async function readMail({ tenant, known }: Session): Promise<void> {
  const { Items = [] } = await api.backend.store.client.send(
    new ScanCommand({
      TableName: api.tables.outbox,
      FilterExpression: 'tenant = :tenant AND topic = :topic',
      ExpressionAttributeValues: { ':tenant': tenant, ':topic': 'notification' },
    }),
  );
  const mails = Items.map(({ payload }) => JSON.parse(String(payload)) as { readonly text: string });
  const drawn = mails.flatMap(({ text }) => /(?<=^|\s)[\w-]{22}(?=$|\s)/.exec(text) ?? []);
  for (const example of secretExamples) if (drawn[0] !== undefined) known.set(example, drawn[0]);
}

async function prepared(operationId: string): Promise<Session> {
  const session = client.newSession();
  await client.prepare(session, operationId);
  if (operationId === 'resolveMessage') {
    for (const item of await unanswered(api, session.tenant)) await bury(api, item);
  }
  await readMail(session);
  return session;
}

describe('each example of the OpenAPI document, sent as it stands', () => {
  it.each(operationIds)('is accepted and answered as declared: %s', async (operationId) => {
    const session = await prepared(operationId);
    const reply = await client.send(session, operationId);
    expect(reply.status, reply.text).toBeLessThan(300);
    expect(client.faultsOf(operationId, reply)).toEqual([]);
    if (!commandIds.includes(operationId)) return;

    const again = await client.send(session, operationId);
    expect([again.status, again.text]).toEqual([reply.status, reply.text]);
    expect(again.headers['idempotent-replayed']).toBe('true');
  });
});

describe('each refusal is declared', () => {
  it.each(operationIds)('without a token, or without its scope: %s', async (operationId) => {
    const session = client.newSession();
    for (const [options, status] of [
      [{ anonymous: true }, 401],
      [{ scope: 'other' }, 403],
    ] as const) {
      const reply = await client.send(session, operationId, options);
      expect(reply.status).toBe(status);
      expect(client.faultsOf(operationId, reply)).toEqual([]);
    }
  });

  it.each(commandIds)(
    'a bad key, a stale version, a lock that is lost, a missing entity: %s',
    async (operationId) => {
      const session = await prepared(operationId);
      const headersOf = (name: string, value: string) => ({ key: randomUUID(), headers: { [name]: value } });
      const replies = [
        await client.send(session, operationId, { key: '' }),
        await client.send(session, operationId, { key: 'a b' }),
        await client.send(session, operationId, headersOf('if-match', '"999"')),
        await client.send(session, operationId, headersOf('if-match', 'no tag')),
        await client.send(session, operationId, headersOf('lock-token', 'nobody-holds-this')),
        await client.send(client.newSession(), operationId, { key: randomUUID() }),
        await client.send(session, operationId, headersOf('content-type', 'text/plain')),
      ];
      expect(replies[0]?.status).toBe(400);
      expect(replies[1]?.status).toBe(400);
      for (const reply of replies) expect(client.faultsOf(operationId, reply), reply.text).toEqual([]);
    },
  );

  // A lock that is held is waited for, up to the deadline: that is no refusal.
  it.each(commandIds.filter((id) => !id.startsWith('lock')))(
    'a rule that says no: %s',
    async (operationId) => {
      const session = await prepared(operationId);
      // Sent until nothing is left to do, and then on an entity that lacks what should come before.
      for (let times = 0; times < 6; times += 1) {
        const reply = await client.send(session, operationId, { key: randomUUID() });
        expect(client.faultsOf(operationId, reply), reply.text).toEqual([]);
      }
      const early = client.newSession();
      const created = client.operations
        .get(operationId)
        ?.steps.flatMap((step) => ('answer' in step || !step.operationId.startsWith('create') ? [] : [step]));
      for (const { operationId: before, id } of created ?? []) {
        const reply = await client.send(early, before, { id, key: randomUUID() });
        if (reply.status === 201) early.known.set(id, String(reply.json['id']));
      }
      const reply = await client.send(early, operationId, { key: randomUUID() });
      expect(client.faultsOf(operationId, reply), reply.text).toEqual([]);
    },
  );
});
