import { randomUUID } from 'node:crypto';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Audit } from '../../functions/api/audit.ts';
import { createAudit } from '../../functions/audit/audit.ts';
import { secretFields } from '../../functions/core/fields.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { exampleBody } from '../../functions/core/examples.ts';
import { createOpenApi } from '../../functions/docs/openapi.ts';
import { domains } from '../../functions/domains/index.ts';
import { answer, bury, unanswered } from '../support/answering.ts';
import { startBackend } from '../support/backend.ts';
import type { Reply, TestBackend } from '../support/backend.ts';
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
const isOther = (id: string): boolean => /^(?:get|list|redrive|resolve|run|stop)/.test(id);
const commandIds = operationIds.filter((id) => !isOther(id));
const otherIds = operationIds.filter(isOther);

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

/** A session with no more than the creations that an operation needs. */
async function early(operationId: string): Promise<Session> {
  const session = client.newSession();
  for (const step of client.operations.get(operationId)?.steps ?? []) {
    if (!('operationId' in step) || !step.operationId.startsWith('create')) continue;
    const reply = await client.send(session, step.operationId, { id: step.id, key: randomUUID() });
    if (reply.status === 201) session.known.set(step.id, String(reply.json['id']));
  }
  return session;
}

async function prepared(operationId: string): Promise<Session> {
  const session = client.newSession();
  await client.prepare(session, operationId);
  if (operationId === 'resolveMessage') {
    for (const item of await unanswered(api, session.tenant)) await bury(api, item);
  }
  // The example is the key of somebody's command; the document names no order among commands for it.
  if (operationId === 'getRequest') await client.send(session, 'createPayment', { key: 'order-1' });
  await readMail(session);
  return session;
}

/** Sends a request, and expects what came to be declared. */
async function declared(
  session: Session,
  operationId: string,
  options?: Parameters<OpenApiClient['send']>[2],
): Promise<Reply> {
  const reply = await client.send(session, operationId, options);
  expect(client.faultsOf(operationId, reply), reply.text).toEqual([]);
  return reply;
}

it.each(operationIds)('without a token, or without its scope: %s', async (operationId) => {
  const session = client.newSession();
  expect((await declared(session, operationId, { anonymous: true })).status).toBe(401);
  expect((await declared(session, operationId, { scope: 'other' })).status).toBe(403);
});

it.each(commandIds)(
  'a bad key, a stale version, a lock that is lost, a missing entity: %s',
  async (operationId) => {
    const session = await prepared(operationId);
    expect((await declared(session, operationId, { key: '' })).status).toBe(400);
    expect((await declared(session, operationId, { key: 'a b' })).status).toBe(400);
    for (const [name, value] of [
      ['if-match', '"999"'],
      ['if-match', 'no tag'],
      ['lock-token', 'nobody-holds-this'],
    ] as const) {
      await declared(session, operationId, { key: randomUUID(), headers: { [name]: value } });
    }
    await declared(client.newSession(), operationId, { key: randomUUID() });
    await declared(session, operationId, { key: randomUUID(), headers: { 'content-type': 'text/plain' } });
  },
);

describe('each example of the OpenAPI document, sent as it stands', () => {
  it.each(otherIds)('is accepted and answered as declared: %s', async (operationId) => {
    const reply = await declared(await prepared(operationId), operationId);
    expect(reply.status, reply.text).toBeLessThan(300);
  });

  it.each(commandIds)(
    'is accepted, replayed, and refused by a rule, as declared: %s',
    async (operationId) => {
      const session = await prepared(operationId);
      const reply = await declared(session, operationId);
      expect(reply.status, reply.text).toBeLessThan(300);
      const again = await declared(session, operationId);
      expect([again.status, again.text]).toEqual([reply.status, reply.text]);
      expect(again.headers['idempotent-replayed']).toBe('true');

      // A lock that is held is waited for, up to the deadline: that is no refusal.
      if (operationId.startsWith('lock')) return;
      // A rule says no where nothing is left to do, and on an entity that lacks what should come before.
      for (let times = 0; times < 6; times += 1) {
        if ((await declared(session, operationId, { key: randomUUID() })).status >= 400) break;
      }
      await declared(await early(operationId), operationId, { key: randomUUID() });
    },
  );
});
