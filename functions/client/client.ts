/**
 * A client of the API whose types come from the definitions: inputs, entities and refusals. It needs nothing but `fetch`.
 *
 *     const client = createClient({ baseUrl, token, domains: { payments } });
 *     const result = await client.payments.confirm(id);
 *     if (result.kind === 'refused' && result.code === 'transition_not_allowed') ...
 */
import type { Domain, Facade } from '../core/domain.ts';
import type { LedgerEntry as KeptEntry } from '../core/ledger.ts';
import type { StatementLine } from '../core/statements.ts';
import { knownCodes } from './codes.ts';
import { patience as usual, send } from './send.ts';
import type { Answer, Call, Connection } from './send.ts';
import type {
  AnyDomain,
  CreateCode,
  Entity,
  FacadeOf,
  Problem,
  Result,
  TransitionCode,
  TransitionOf,
} from './types.ts';

export type { Done, Entity, FacadeOf, Failed, Problem, Refused, Result } from './types.ts';

export interface ClientOptions<Domains> {
  /** E.g. `https://api.example.com`; a slash at its end does not matter. */
  readonly baseUrl: string;
  /** The JWT, or how to get one that has not expired; it is asked for at every try. */
  readonly token: string | (() => string | Promise<string>);
  /** The definitions, under the names that the client is to have for them. */
  readonly domains: Domains;
  /** Differs from the usual where a caller can wait for longer, or not as long. */
  readonly patience?: Partial<Connection['patience']>;
}

export interface CallOptions {
  /** Of an earlier call that was not answered; a new one by default, which the tries of a call share. */
  readonly idempotencyKey?: string;
  /** The caller's lock on the entity. */
  readonly lockToken?: string;
  readonly signal?: AbortSignal;
}

/** An entity by its id, or as it was last seen: then the command is refused where it has changed since (`If-Match`). */
export type Target = string | { readonly id: string; readonly version: number };

/** As the API shows it. */
export type LedgerEntry = Omit<KeptEntry, 'changes' | 'definition' | 'effects'>;

export type StatementItem = Omit<StatementLine, 'account'>;

type Commands<Face extends Facade> = {
  readonly [Name in TransitionOf<Face>]: unknown extends Face['inputs'][Name & keyof Face['inputs']]
    ? (target: Target, options?: CallOptions) => Promise<Result<Entity<Face>, TransitionCode<Face, Name>>>
    : (
        target: Target,
        input: Face['inputs'][Name & keyof Face['inputs']],
        options?: CallOptions,
      ) => Promise<Result<Entity<Face>, TransitionCode<Face, Name>>>;
};

/** By one attribute of those by which the definition lists its entities; such a list is a moment behind. */
type ByAttribute<Listed extends string> = {
  readonly [Name in Listed]?: string;
};

/** What only other commands create has no `create`. */
type Creation<Face extends Facade> = Face['create']['internal'] extends true
  ? unknown
  : {
      readonly create: (
        input: Face['create']['input'],
        options?: CallOptions,
      ) => Promise<Result<Entity<Face>, CreateCode<Face>>>;
    };

interface Reads<Face extends Facade> {
  /** `undefined` where there is none. @throws RequestFailedError */
  readonly get: (id: string, signal?: AbortSignal) => Promise<Entity<Face> | undefined>;
  /** Newest first, page after page as they are asked for. @throws RequestFailedError */
  readonly list: (
    options?: {
      readonly status?: Face['state'];
      /** Entities a page. */
      readonly limit?: number;
      readonly signal?: AbortSignal;
    } & ByAttribute<Face['listed']>,
  ) => AsyncIterable<Entity<Face>>;
  /** Oldest first. @throws RequestFailedError */
  readonly ledger: (id: string, signal?: AbortSignal) => AsyncIterable<LedgerEntry>;
}

export type Collection<Of> = Creation<FacadeOf<Of>> & Reads<FacadeOf<Of>> & Commands<FacadeOf<Of>>;

export type Client<Domains> = { readonly [Name in keyof Domains]: Collection<Domains[Name]> } & {
  readonly balances: {
    /** @throws RequestFailedError */
    readonly get: (
      account: string,
      signal?: AbortSignal,
    ) => Promise<{ readonly account: string; readonly unit?: string; readonly balance: number }>;
    /** The account's statement, newest first. @throws RequestFailedError, `no_statement` where it keeps none */
    readonly entries: (account: string, signal?: AbortSignal) => AsyncIterable<StatementItem>;
  };
};

/** A read that was not answered, or not with what was asked for. */
export class RequestFailedError extends Error {
  override readonly name = 'RequestFailedError';
  readonly code: string;
  readonly status: number | undefined;

  constructor(code: string, status: number | undefined) {
    super(status === undefined ? code : `${status} ${code}`);
    this.code = code;
    this.status = status;
  }
}

/** @throws where the URL is none, or a definition has a transition that the client has another use for */
export function createClient<const Domains extends Readonly<Record<string, AnyDomain>>>(
  options: ClientOptions<Domains>,
): Client<Domains> {
  const { baseUrl, token, domains, patience } = options;
  const connection: Connection = {
    baseUrl: new URL(baseUrl).href.replace(/\/$/, ''),
    token: typeof token === 'string' ? () => token : token,
    patience: { ...usual, ...patience },
  };
  const collections = Object.entries(domains).map(([name, domain]) => [name, collection(connection, domain)]);
  return {
    ...(Object.fromEntries(collections) as object),
    balances: balances(connection),
  } as Client<Domains>;
}

function collection(connection: Connection, domain: Domain): object {
  const path = `/v1/${domain.collection}`;
  const command = (name: string, call: Omit<Call, 'method'>, options: CallOptions = {}) =>
    run(connection, knownCodes(domain, name), call, options);
  const transitions = Object.entries(domain.transitions)
    .filter(([, { internal }]) => internal !== true)
    .map(([name, { input }]) => {
      const at = (target: Target): Omit<Call, 'method'> => ({
        path: `${path}/${encodeURIComponent(typeof target === 'string' ? target : target.id)}/${name}`,
        ...(typeof target !== 'string' && { headers: { 'if-match': `"${target.version}"` } }),
      });
      const method = input
        ? (target: Target, body: unknown, options?: CallOptions) =>
            command(name, { ...at(target), body }, options)
        : (target: Target, options?: CallOptions) => command(name, at(target), options);
      return [name, method] as const;
    });
  const create = {
    create: (body: unknown, options?: CallOptions) => command('create', { path, body }, options),
  };
  const reads = {
    ...(domain.create.internal !== true && create),
    get: async (id: string, signal?: AbortSignal) => {
      const answer = await send(connection, {
        method: 'GET',
        path: `${path}/${encodeURIComponent(id)}`,
        signal,
      });
      return answer?.status === 404 ? undefined : found(answer);
    },
    list: ({
      signal,
      ...query
    }: { readonly [Name in string]?: string | number } & { readonly signal?: AbortSignal } = {}) =>
      pages(
        connection,
        path,
        Object.fromEntries(
          Object.entries(query).flatMap(([name, value]) =>
            value === undefined ? [] : [[name, String(value)]],
          ),
        ),
        signal,
      ),
    ledger: (id: string, signal?: AbortSignal) =>
      pages(connection, `${path}/${encodeURIComponent(id)}/ledger`, {}, signal),
  };
  const twice = transitions.find(([name]) => Object.hasOwn(reads, name));
  if (twice) throw new Error(`the transition "${twice[0]}" of ${domain.collection} needs another name`);
  return { ...reads, ...Object.fromEntries(transitions) };
}

const balances = (connection: Connection) => ({
  get: async (account: string, signal?: AbortSignal) =>
    found(
      await send(connection, { method: 'GET', path: `/v1/balances/${encodeURIComponent(account)}`, signal }),
    ),
  entries: (account: string, signal?: AbortSignal) =>
    pages(connection, `/v1/balances/${encodeURIComponent(account)}/entries`, {}, signal),
});

/** A command under one key. */
async function run(
  connection: Connection,
  known: ReadonlySet<string>,
  call: Omit<Call, 'method'>,
  { idempotencyKey = crypto.randomUUID(), lockToken, signal }: CallOptions,
): Promise<Result<unknown, string>> {
  const answer = await send(connection, {
    ...call,
    method: 'POST',
    headers: {
      ...call.headers,
      'idempotency-key': idempotencyKey,
      ...(lockToken !== undefined && { 'lock-token': lockToken }),
    },
    signal,
  });
  if (!answer) return { kind: 'failed', code: 'unanswered', idempotencyKey };
  const { status, headers, json } = answer;
  if (status < 300)
    return { kind: 'done', entity: json, isReplay: headers.get('idempotent-replayed') === 'true' };
  const problem = problemIn(json);
  if (isRefusal(status, problem.code)) {
    const { code } = problem;
    return { kind: 'refused', code: known.has(code) ? code : 'other_refusal', status, problem };
  }
  return { kind: 'failed', code: problem.code, status, idempotencyKey };
}

/** By a rule, a right or somebody else's work; everything else is a defect of one side, or the time. */
const isRefusal = (status: number, code: string): boolean =>
  (status === 403 && code !== 'insufficient_scope') ||
  (status === 409 && code !== 'request_in_progress') ||
  (status === 422 && code !== 'idempotency_key_reused') ||
  [404, 412, 423].includes(status);

/** What is no problem document was not made by the backend, such as a gateway's own answer. */
function problemIn(json: unknown): Problem {
  const { code } = (json ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? (json as Problem) : { code: 'unknown' };
}

/** @throws RequestFailedError */
function found(answer: Answer | undefined): unknown {
  if (!answer) throw new RequestFailedError('unanswered', undefined);
  if (answer.status >= 300) throw new RequestFailedError(problemIn(answer.json).code, answer.status);
  return answer.json;
}

async function* pages(
  connection: Connection,
  path: string,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): AsyncGenerator {
  let cursor: string | undefined;
  do {
    const asked = new URLSearchParams({ ...query, ...(cursor !== undefined && { cursor }) }).toString();
    const page = found(
      await send(connection, { method: 'GET', path: asked === '' ? path : `${path}?${asked}`, signal }),
    ) as { readonly items: readonly unknown[]; readonly nextCursor?: string };
    yield* page.items;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}
