/**
 * Faults at the clients of the AWS SDK, at the place where a request leaves and its answer comes back: inside the
 * SDK's own retries, so that what it heals by itself is healed here too.
 */
import {
  DynamoDBServiceException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import { callShape, isRead } from './call-shape.ts';
import { isFullScope } from './scope.ts';

/** What can go wrong with one call. */
export const faultKinds = [
  /** It never reached the service. */
  'request lost',
  /** The service did it; nobody heard. */
  'answer lost',
  'throttled',
  '500',
  '503',
  /** Another transaction was at one of its items. */
  'conflict',
  /** The process dies before the call leaves, or after the service did it. */
  'death before',
  'death after',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** Faults that the SDK's retries take part in; for the others it makes no difference. */
const retriedBySdk = [
  'request lost',
  'answer lost',
  'throttled',
  '500',
  '503',
] as const satisfies readonly FaultKind[];

/**
 * How a fault is tried: with the SDK's own retries, without them, or both. Without them our own code has to heal it.
 * With them only a lost answer is more than a pause: the service acts twice. `npm run test:all` tries both for all.
 */
export function retriesOf(fault: FaultKind): readonly boolean[] {
  if (!retriedBySdk.some((kind) => kind === fault)) return [false];
  return isFullScope || fault === 'answer lost' ? [true, false] : [false];
}

/** One attempt of one call, as it leaves. */
export interface Attempt {
  /** Attempts of this injector so far, from 0. */
  readonly index: number;
  /** E.g. `TransactWriteItemsCommand`. */
  readonly command: string;
}

export type Plan = (attempt: Attempt) => FaultKind | undefined;

/** The faults of one case: shared by all clients it uses, one process after the other. */
export class Injector {
  readonly attempts: string[] = [];
  /** Of each attempt, its shape. */
  readonly shapes: string[] = [];
  /** Faults that did happen. */
  readonly injected: { readonly command: string; readonly fault: FaultKind }[] = [];
  readonly #plan: Plan;

  constructor(plan: Plan = () => undefined) {
    this.#plan = plan;
  }

  next(command: string, shape: string): FaultKind | undefined {
    this.shapes.push(shape);
    const index = this.attempts.push(command) - 1;
    const fault = this.#plan({ index, command });
    if (fault !== undefined) this.injected.push({ command, fault });
    return fault;
  }
}

/** Faults at single attempts. */
export const faultsAt =
  (faults: Readonly<Record<number, FaultKind>>): Plan =>
  ({ index }) =>
    faults[index];

/** What both the document client and the SQS client have. */
export interface Faultable {
  readonly middlewareStack: {
    add(
      middleware: (
        next: (args: { readonly input: object }) => Promise<unknown>,
        context: { commandName?: string },
      ) => (args: { readonly input: object }) => Promise<unknown>,
      options: { step: 'deserialize'; priority: 'low'; name: string },
    ): void;
  };
}

/** A process that has died neither goes on nor answers. */
export interface Life {
  readonly died: Promise<'died'>;
  readonly die: () => void;
}

export function life(): Life {
  let die = (): void => undefined;
  const died = new Promise<'died'>((resolve) => {
    die = () => {
      resolve('died');
    };
  });
  return { died, die };
}

const never = new Promise<never>(() => undefined);

/** Puts an injector into a client. A death stops everything the process would do next. */
export function injectFaults(client: unknown, injector: Injector, { die }: Life): void {
  let isDead = false;
  (client as Faultable).middlewareStack.add(
    (next, context) => async (args) => {
      if (isDead) return never;
      const command = context.commandName ?? '';
      const fault = injector.next(command, callShape(command, { ...args.input }));
      switch (fault) {
        case undefined:
          return next(args);
        case 'request lost':
          throw lost('ECONNREFUSED');
        case 'answer lost':
          await next(args);
          throw lost('ECONNRESET');
        case 'death before':
          isDead = true;
          die();
          return never;
        case 'death after':
          await next(args);
          isDead = true;
          die();
          return never;
        case 'throttled':
        case '500':
        case '503':
        case 'conflict':
          throw answerOf(fault, command);
        default:
          return fault satisfies never;
      }
    },
    { step: 'deserialize', priority: 'low', name: `faults-${Math.random()}` },
  );
}

/** As a socket fails. */
const lost = (code: string): Error => Object.assign(new Error(`injected: ${code}`), { code });

/** As the service answers. Queues and tables answer alike, as far as a client can tell. */
function answerOf(fault: 'throttled' | '500' | '503' | 'conflict', command: string): Error {
  const metadata = (httpStatusCode: number) => ({
    $metadata: { httpStatusCode },
    message: `injected: ${fault}`,
  });
  switch (fault) {
    case 'throttled':
      return new DynamoDBServiceException({
        name: 'ThrottlingException',
        $fault: 'client',
        ...metadata(400),
      });
    case '500':
      return new DynamoDBServiceException({
        name: 'InternalServerError',
        $fault: 'server',
        ...metadata(500),
      });
    case '503':
      return new DynamoDBServiceException({ name: 'ServiceUnavailable', $fault: 'server', ...metadata(503) });
    case 'conflict':
      return command === 'TransactWriteItemsCommand'
        ? new TransactionCanceledException({
            ...metadata(400),
            CancellationReasons: [{ Code: 'TransactionConflict' }],
          })
        : new TransactionConflictException(metadata(400));
    default:
      return fault satisfies never;
  }
}

/** What a read does not tell apart: nothing of it remains, so it makes no difference when it or its process was lost. */
const sameForReads: readonly FaultKind[] = ['answer lost', '503', 'death after'];

/**
 * Which faults make sense at a command: only writes of a table can meet a transaction. At a read `npm test` leaves out
 * those that its code cannot tell from another one.
 */
export const faultsOf = (command: string): readonly FaultKind[] =>
  faultKinds.filter((fault) => {
    if (fault === 'conflict') return /^(TransactWriteItems|PutItem|UpdateItem|DeleteItem)/.test(command);
    return isFullScope || !isRead(command) || !sameForReads.includes(fault);
  });
