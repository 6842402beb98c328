/**
 * What is mutated, and by which tests each mutant is judged. A mutant is run against those of its group's tests that
 * reach it, until one fails; so a group names the quickest files that guard its sources, not all of them. What these
 * let live may still be caught by a fault test: it is explained there, or gets a quicker test here.
 */
export interface Group {
  readonly name: string;
  /** Sources, from the root of the project. */
  readonly mutate: readonly string[];
  /** Test files, from the root of the project. */
  readonly tests: readonly string[];
  /** Why these. */
  readonly reason: string;
}

const unit = (...names: readonly string[]): string[] => names.map((name) => `test/unit/${name}.unit.test.ts`);
const integration = (...names: readonly string[]): string[] =>
  names.map((name) => `test/integration/${name}.integration.test.ts`);

export const groups: readonly Group[] = [
  {
    name: 'pure',
    mutate: [
      'functions/store/outbox/delivery-state.ts',
      'functions/outbox/resend-schedule.ts',
      'functions/workers/retry-delay.ts',
      'functions/runtime/bounded-result.ts',
      'functions/commands/backoff.ts',
      'functions/commands/waiting-room.ts',
    ],
    tests: unit(
      'delivery-state',
      'resend-schedule',
      'retry-delay',
      'bounded-result',
      'backoff-window',
      'waiting-room',
    ),
    reason: 'They do no I/O: their unit tests say all that they do.',
  },
  {
    name: 'messages',
    mutate: ['functions/store/outbox/message-writes.ts', 'functions/store/outbox/messages.ts'],
    tests: integration('message-conditions'),
    reason: 'It tells each race that a write wins.',
  },
  {
    name: 'transaction',
    mutate: [
      'functions/store/transaction/conditions.ts',
      'functions/store/transaction/entity-writes.ts',
      'functions/store/transaction/lock-items.ts',
      'functions/store/transaction/idempotency-record.ts',
      'functions/store/transaction/transaction-items.ts',
      'functions/store/transaction/commit.ts',
      'functions/store/transaction/conflict.ts',
      'functions/store/transaction/put-record.ts',
      'functions/store/transaction/read-record.ts',
    ],
    tests: integration('commit', 'conditions'),
    reason: 'It sends decisions to the database and tells each race that a condition wins.',
  },
  {
    name: 'expression',
    mutate: ['functions/store/transaction/expression.ts'],
    tests: integration('rules', 'commit'),
    reason: 'Each kind of rule as a condition, where it holds and where it does not.',
  },
  {
    name: 'commands',
    mutate: [
      'functions/commands/idempotency-keys.ts',
      'functions/commands/key-outcomes.ts',
      'functions/commands/execute.ts',
      'functions/commands/read-and-decide.ts',
    ],
    tests: integration('key-lifetime', 'requests', 'concurrency', 'conditions'),
    reason: 'What a key answers, and what a command does that meets others.',
  },
  {
    name: 'workers',
    mutate: ['functions/workers/batch.ts', 'functions/workers/topic-worker.ts'],
    tests: integration('worker-faults', 'copies', 'deliveries'),
    reason: 'Deliveries one by one, with receivers that fail in each way.',
  },
  {
    name: 'outbox',
    mutate: [
      'functions/outbox/message-relay.ts',
      'functions/outbox/send.ts',
      'functions/outbox/sweep-messages.ts',
      'functions/outbox/sweep-timers.ts',
      'functions/outbox/timer-stream.ts',
    ],
    tests: integration('relay', 'send', 'sweeper'),
    reason: 'The way to the queue, by stream and by sweeper.',
  },
];
