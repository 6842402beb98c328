/**
 * A client that knows nothing but the OpenAPI document: it sends the document's examples, follows the order the
 * document gives them, and checks every answer against the schema the document declares for it.
 */
import { randomUUID } from 'node:crypto';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Reply, TestBackend } from './backend.ts';

type Step =
  | { readonly operationId: string; readonly id: string; readonly as?: string }
  /** What a receiver says of a message of the entity. */
  | { readonly answer: 'done' | 'refused'; readonly to: string; readonly id: string }
  /** Time that passes until a transition happens by itself. */
  | { readonly deadline: string; readonly id: string };

/** Has a receiver answer a message of an entity. */
export type AnswerStep = (
  tenant: string,
  entity: string,
  message: string,
  outcome: 'done' | 'refused',
) => Promise<void>;

/** Lets time pass until the deadline of an entity has come. */
export type DeadlineStep = (tenant: string, entity: string, transition: string) => Promise<void>;

interface Parameter {
  readonly $ref?: string;
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly example?: string;
  readonly schema?: { readonly examples?: readonly unknown[] };
}

interface Content {
  readonly schema: { readonly $ref?: string };
  readonly example?: unknown;
}

interface Response {
  readonly $ref?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, Content>>;
}

export interface Operation {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<Record<string, Response>>;
  readonly steps: readonly Step[];
  /** Who sends its example, where that is not who sends the most. */
  readonly as?: string;
}

/** Whom the document says examples are sent by, unless it says otherwise. */
const mostlySentBy = 'alice';

type Document = Readonly<Record<string, unknown>>;

/** What a client has learned so far: ids and secrets the examples stand for, and the lock it holds. */
export interface Session {
  readonly tenant: string;
  /** Text of an example -> what the server made instead. */
  readonly known: Map<string, string>;
  lockToken?: string;
}

export interface OpenApiClient {
  readonly operations: ReadonlyMap<string, Operation>;
  readonly newSession: () => Session;
  /** Sends the example of an operation, as it stands but for what the server made itself. */
  readonly send: (session: Session, operationId: string, options?: SendOptions) => Promise<Reply>;
  /** Sends all examples that stand before this one's. */
  readonly prepare: (session: Session, operationId: string) => Promise<void>;
  /** What is wrong with an answer according to the document; empty where nothing is. */
  readonly faultsOf: (operationId: string, reply: Reply) => readonly string[];
}

export interface SendOptions {
  /** Of the example, in place of the one in the document. */
  readonly id?: string;
  /** In place of whom the document says. */
  readonly subject?: string | undefined;
  /** In place of the document's own. */
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly scope?: string;
  readonly anonymous?: boolean;
}

export function createOpenApiClient(
  document: Document,
  api: Pick<TestBackend, 'request'>,
  answer: AnswerStep = () => Promise.resolve(),
  pass: DeadlineStep = (_, entity) => Promise.reject(new Error(`nobody waits for the deadline of ${entity}`)),
): OpenApiClient {
  const operations = operationsOf(document);
  const faultsOf = answerCheck(document, operations);
  const operation = (operationId: string): Operation => {
    const found = operations.get(operationId);
    if (!found) throw new Error(`the document has no operation "${operationId}"`);
    return found;
  };

  const send: OpenApiClient['send'] = async (session, operationId, options = {}) => {
    const { method, path, parameters, requestBody, as } = operation(operationId);
    const subject = options.subject ?? as;
    const example = requestBody?.content['application/json']?.example;
    const headers: Record<string, string> = {};
    const query = new URLSearchParams();
    let target = path;
    for (const parameter of parameters) {
      const value = parameter.name === 'id' ? (options.id ?? parameter.example) : parameter.example;
      if (parameter.in === 'path') {
        target = target.replace(`{${parameter.name}}`, encodeURIComponent(real(session, value ?? '')));
      } else if (
        parameter.in === 'header' &&
        parameter.name === 'Lock-Token' &&
        session.lockToken !== undefined
      ) {
        headers['lock-token'] = session.lockToken;
      } else if (parameter.in === 'header' && parameter.required === true && value !== undefined) {
        headers[parameter.name.toLowerCase()] = value;
      } else if (parameter.in === 'query' && parameter.required === true) {
        query.set(parameter.name, real(session, String(parameter.schema?.examples?.[0])));
      }
    }
    if (options.key !== undefined) headers['idempotency-key'] = options.key;
    if (query.size > 0) target += `?${query.toString()}`;
    const reply = await api.request(method, target, {
      tenant: session.tenant,
      ...(subject !== undefined && { subject }),
      headers: { ...headers, ...options.headers },
      ...(example !== undefined && { rawBody: real(session, JSON.stringify(example)) }),
      ...(options.scope !== undefined && { scope: options.scope }),
      ...(options.anonymous !== undefined && { anonymous: options.anonymous }),
    });
    if (operationId.startsWith('lock') && reply.status === 200)
      session.lockToken = String(reply.json['token']);
    return reply;
  };

  return {
    operations,
    faultsOf,
    send,
    newSession: () => ({ tenant: randomUUID(), known: new Map() }),
    prepare: async (session, operationId) => {
      for (const step of operation(operationId).steps) {
        if ('answer' in step) {
          await answer(session.tenant, real(session, step.id), step.to, step.answer);
          continue;
        }
        if ('deadline' in step) {
          await pass(session.tenant, real(session, step.id), step.deadline);
          continue;
        }
        const { operationId: before, id, as: subject = mostlySentBy } = step;
        const reply = await send(session, before, { id, subject, key: randomUUID() });
        if (reply.status >= 300)
          throw new Error(`${before} before ${operationId}: ${reply.status} ${reply.text}`);
        if (reply.status === 201 || reply.status === 202) session.known.set(id, String(reply.json['id']));
      }
    },
  };
}

/** Ids within a text, and secrets, become the real ones. */
const real = ({ known }: Session, text: string): string =>
  [...known].reduce((before, [example, made]) => before.replaceAll(example, made), text);

function operationsOf(document: Document): ReadonlyMap<string, Operation> {
  const paths = document['paths'] as Record<string, Record<string, Record<string, unknown>>>;
  const all = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, described]): Operation => {
      const parameters = (described['parameters'] ?? []) as Parameter[];
      return {
        ...(described as unknown as Operation),
        method: method.toUpperCase(),
        path,
        parameters: parameters.map((parameter) => resolved(document, parameter)),
        steps: (described['x-example-after'] ?? []) as Step[],
        ...('x-example-as' in described && { as: String(described['x-example-as']) }),
      };
    }),
  );
  return new Map(all.map((operation) => [operation.operationId, operation]));
}

function resolved<T extends { readonly $ref?: string }>(document: Document, value: T): T {
  if (value.$ref === undefined) return value;
  const segments = value.$ref.slice('#/'.length).split('/');
  return segments.reduce<unknown>((within, name) => (within as Document)[name], document) as T;
}

function answerCheck(
  document: Document,
  operations: ReadonlyMap<string, Operation>,
): OpenApiClient['faultsOf'] {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(document, 'openapi.json');
  const escaped = (name: string): string =>
    encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'));
  return (operationId, { status, headers, text, json }) => {
    const operation = operations.get(operationId);
    const declared = operation?.responses[status];
    if (!operation || !declared) return [`${status} is not declared`];
    const response = resolved(document, declared);
    const faults = Object.keys(response.headers ?? {})
      .filter((name) => alwaysSent.has(name) && headers[name.toLowerCase()] === undefined)
      .map((name) => `the header ${name} is missing`);
    if (!response.content) return text === '' ? faults : [...faults, 'there is a body'];
    const [type = ''] = (headers['content-type'] ?? '').split(';');
    if (!response.content[type]) return [...faults, `the type "${type}" is not declared`];
    const pointer =
      declared.$ref ??
      `#/paths/${escaped(operation.path)}/${operation.method.toLowerCase()}/responses/${status}`;
    const $ref = `openapi.json${pointer}/content/${escaped(type)}/schema`;
    const validate = ajv.getSchema($ref) ?? ajv.compile({ $ref });
    if (validate(json) === true) return faults;
    return [
      ...faults,
      ...(validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''}`),
    ];
  };
}

/** Other headers depend on the case: `Retry-After`, `Idempotent-Replayed`. */
const alwaysSent = new Set(['X-Request-Id', 'ETag', 'Location', 'WWW-Authenticate']);
