/**
 * The examples of the OpenAPI document, made true: for each operation a tenant of its own, in which the examples
 * that come before it were sent over HTTP, and the ids, secrets and locks that this gave.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { registerDomains } from '../../functions/core/registry.ts';
import { exampleSecret } from '../../functions/docs/example-body.ts';
import { domains } from '../../functions/domains/index.ts';
import { lock } from '../../functions/runtime/limits.ts';
import type { TestBackend } from '../support/backend.ts';
import { createOpenApiClient } from '../support/openapi-client.ts';
import type { AnswerStep, Operation, Session } from '../support/openapi-client.ts';
import { status } from '../support/receivers.ts';
import type { Answer, TestMailServer, TestReceiver } from '../support/receivers.ts';
import { tokenFor } from '../support/started-backend.ts';
import { target } from '../support/target.ts';

export type Document = Readonly<Record<string, unknown>>;

interface Paths {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Record<string, unknown>>>>>;
}

export interface WorkedExample {
  readonly operationId: string;
  /** Of the tenant in which the example works. */
  readonly token: string;
  /** What its path names, by parameter. */
  readonly ids: Readonly<Record<string, string>>;
  readonly operation: Operation;
}

const mailPatienceMs = 60_000;
/** Until a receiver has answered, or every attempt is used up. */
const answerPatienceMs = 180_000;
/** The examples of the fields that secrets are sent back in. */
const secrets = [...new Set(registerDomains(domains).domains.map(exampleSecret))];

/**
 * @param url of the backend
 * @param mails what it sends, the secrets among it
 * @param receiver of its calls
 * @returns the document with these examples, and who may send each
 */
export async function workedExamples(
  document: Document,
  url: string,
  mails: TestMailServer,
  receiver: TestReceiver,
): Promise<{ readonly document: Document; readonly examples: readonly WorkedExample[] }> {
  const worked = structuredClone(document) as unknown as Paths;
  holdLonger(worked);
  const send = requests(url);
  /** What the receivers said of a message has moved its entity once the message is done. */
  const answered: AnswerStep = async (tenant, entity, type) => {
    await becomes(send, tenant, (item) => item.type === type && item.entity === entity, 'done');
  };
  const client = createOpenApiClient(worked as unknown as Document, { request: send }, answered);
  const isSent = ({ requestBody }: Operation): boolean =>
    secrets.some((secret) => JSON.stringify(requestBody ?? {}).includes(secret));
  // Those that wait for a mail come first: until then no other mail has a code. Those that hold a lock come last: it
  // runs out.
  const turn = (operation: Operation): number => (isSent(operation) ? 0 : isLocked(operation) ? 2 : 1);
  const operations = [...client.operations.values()].sort((a, b) => turn(a) - turn(b));
  const examples: WorkedExample[] = [];
  for (const operation of operations) {
    const session = client.newSession();
    const seen = codesOf(mails);
    const isForDead = operation.operationId === 'resolveMessage';
    receiver.answer = isForDead ? status(503) : refusing(operation);
    await client.prepare(session, operation.operationId);
    if (operation.operationId === 'getRequest') await sendUnderExampleKey(send, session, operation);
    if (isForDead) await becomes(send, session.tenant, ({ topic }) => topic === 'external-call', 'dead');
    if (isSent(operation)) {
      const code = await newCode(mails, seen);
      for (const secret of secrets) session.known.set(secret, code);
    }
    const parameters = operation.parameters.map((parameter) => {
      const example = exampleOf(session, parameter);
      return example === undefined ? parameter : { ...parameter, example };
    });
    const described = worked.paths[operation.path]?.[operation.method.toLowerCase()];
    if (described) {
      described['parameters'] = parameters;
      const { requestBody } = operation;
      if (requestBody)
        described['requestBody'] = JSON.parse(made(session, JSON.stringify(requestBody))) as unknown;
    }
    const inPath = parameters.filter((parameter) => parameter.in === 'path');
    examples.push({
      operationId: operation.operationId,
      token: await tokenFor(session.tenant, undefined, operation.as),
      ids: Object.fromEntries(inPath.map(({ name, example = '' }) => [name, example])),
      operation,
    });
  }
  receiver.answer = status(200);
  return { document: worked as unknown as Document, examples };
}

/** A request of which the example asks: its caller asks for the payment of the example. */
async function sendUnderExampleKey(
  send: TestBackend['request'],
  { tenant }: Session,
  { parameters }: Operation,
): Promise<void> {
  const parameter = parameters.find(({ name }) => name === 'key');
  const key = String(parameter?.example ?? parameter?.schema?.examples?.[0]);
  const rawBody = JSON.stringify({ payer: 'alice', payee: 'bookshop', amount: 1_250, currency: 'EUR' });
  const headers = { 'content-type': 'application/json', 'idempotency-key': key };
  const { status: answered } = await send('POST', '/v1/payments', { tenant, headers, rawBody });
  if (answered !== 201) throw new Error(`a payment under ${key} was answered ${answered}`);
}

/** Refuses the calls that are refused before the operation's example, and takes all others. */
function refusing({ steps }: Operation): Answer {
  const refused = new Set(
    steps.flatMap((step) => ('answer' in step && step.answer === 'refused' ? [step.to] : [])),
  );
  return (response, call) => {
    // An inquiry, which follows a call without an answer: it was never seen, and comes again.
    if (call.method !== 'POST') {
      status(404)(response, call);
      return;
    }
    const { type } = JSON.parse(call.body) as { readonly type: string };
    status(refused.has(type) ? 402 : 200)(response, call);
  };
}

interface ShownMessage {
  readonly id: string;
  readonly topic: string;
  readonly type: string;
  readonly entity: string;
  readonly status: string;
}

/** Waits until a message of the tenant has the status. */
async function becomes(
  send: TestBackend['request'],
  tenant: string,
  isMeant: (message: ShownMessage) => boolean,
  wanted: 'done' | 'dead',
): Promise<void> {
  const until = Date.now() + answerPatienceMs;
  for (;;) {
    const { json } = await send('GET', '/v1/messages?limit=100', { tenant });
    const message = (json['items'] as ShownMessage[]).find(isMeant);
    if (message?.status === wanted) return;
    if (Date.now() > until)
      throw new Error(`${message?.id ?? 'a message'} is ${message?.status ?? 'not there'}, not ${wanted}`);
    await sleep(100);
  }
}

const isLocked = ({ steps }: Operation): boolean =>
  steps.some((step) => 'operationId' in step && step.operationId.startsWith('lock'));

/** A lock of the examples is gone before its turn to be unlocked comes: these hold as long as a lock can. */
function holdLonger({ paths }: Paths): void {
  for (const [route, item] of Object.entries(paths)) {
    if (!route.endsWith('/lock')) continue;
    const { requestBody } = item['post'] as unknown as Operation;
    const content = requestBody?.content['application/json'];
    if (content)
      Object.assign(content, { example: { ...(content.example as object), ttlSeconds: lock.ttlMaxSeconds } });
  }
}

function exampleOf(session: Session, parameter: Operation['parameters'][number]): string | undefined {
  if (parameter.name === 'Lock-Token' && session.lockToken !== undefined) return session.lockToken;
  if (parameter.example === undefined) return undefined;
  return made(session, parameter.example);
}

/** Ids within a text, and secrets, become the real ones; a message's id has its entity's within. */
const made = ({ known }: Session, text: string): string =>
  [...known].reduce((before, [example, real]) => before.replaceAll(example, real), text);

/** As the tests in this process send requests, over HTTP. */
function requests(url: string): TestBackend['request'] {
  return async (method, path, { tenant = '', subject, headers = {}, rawBody } = {}) => {
    const sent = await target(url, await tokenFor(tenant, undefined, subject)).send(method, path, {
      headers,
      ...(typeof rawBody === 'string' && { rawBody }),
    });
    return { ...sent, headers: Object.fromEntries(sent.headers) };
  };
}

const codesOf = ({ mails }: TestMailServer): ReadonlySet<string> =>
  new Set(mails.flatMap(({ mail }) => /(?<=^|\s)[\w-]{22}(?=$|\s)/.exec(mail.text ?? '') ?? []));

async function newCode(mails: TestMailServer, seen: ReadonlySet<string>): Promise<string> {
  const until = Date.now() + mailPatienceMs;
  for (;;) {
    const code = [...codesOf(mails)].find((one) => !seen.has(one));
    if (code !== undefined) return code;
    if (Date.now() > until) throw new Error('no mail with a code came');
    await sleep(100);
  }
}
