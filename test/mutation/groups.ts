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
  /** With the mutants that empty a text, an object or a body: without them where there are too many to run. */
  readonly isWhole?: boolean;
  /** Why these. */
  readonly reason: string;
}

const unit = (...names: readonly string[]): string[] => names.map((name) => `test/unit/${name}.unit.test.ts`);
const integration = (...names: readonly string[]): string[] =>
  names.map((name) => `test/integration/${name}.integration.test.ts`);

/** What a decision becomes in the database. */
const commits = ['commit-writes', 'commit-conditions', 'commit-others', 'commit-outcomes'];
/** The safe path, as its callers ask it. */
const commandsAsCalled = [
  'command-keys',
  'command-races',
  'command-turns',
  'command-lost-answers',
  'command-locks',
  'command-duplicates',
];
/** What a worker makes of each delivery. */
const workerDecisions = ['worker-calls', 'worker-deliveries', 'worker-uncertainty'];

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
      'functions/commands/turns.ts',
      'functions/store/newest-first.ts',
      'functions/store/entities/items.ts',
    ],
    tests: unit(
      'delivery-state',
      'resend-schedule',
      'retry-delay',
      'bounded-result',
      'backoff-window',
      'waiting-room',
      'turns',
      'newest-first',
      'entity-items',
    ),
    isWhole: true,
    reason: 'They do no I/O: their unit tests say all that they do.',
  },
  {
    name: 'shapes',
    mutate: [
      'functions/store/keys.ts',
      'functions/store/failures.ts',
      'functions/store/outbox/call-records.ts',
      'functions/store/outbox/message-items.ts',
      'functions/store/outbox/message-view.ts',
      'functions/outbox/queue-messages.ts',
      'functions/outbox/stream-images.ts',
    ],
    tests: unit(
      'keys',
      'spread-accounts',
      'failures',
      'message-calls',
      'message-items',
      'message-view',
      'queue-messages',
      'stream-images',
    ),
    isWhole: true,
    reason: 'What is stored and sent, and in what form: they do no I/O.',
  },
  {
    name: 'batches',
    mutate: ['functions/store/batches.ts'],
    tests: unit('unprocessed-keys'),
    isWhole: true,
    reason: 'What it asks again is what no database at hand leaves unprocessed: a client does here.',
  },
  {
    name: 'messages',
    mutate: [
      'functions/store/outbox/message-writes.ts',
      'functions/store/outbox/messages.ts',
      'functions/store/outbox/ordered-messages.ts',
    ],
    tests: integration('message-life', 'message-redrives', 'message-answers', 'message-conditions'),
    reason: 'What each write leaves, and each race that it wins.',
  },
  {
    name: 'message-lists',
    mutate: [
      'functions/store/outbox/message-groups.ts',
      'functions/store/outbox/message-lists.ts',
      'functions/store/outbox/dead-letters.ts',
      'functions/store/outbox/entry-filter.ts',
    ],
    tests: integration('message-lists', 'message-list-pages', 'dead-letter-reads'),
    reason: 'Which messages a list shows, in what order, page by page.',
  },
  {
    name: 'answers',
    mutate: ['functions/store/outbox/kept-answers.ts'],
    tests: integration('message-answers', 'message-life', 'message-redrives'),
    reason: 'What becomes of a message by its answer.',
  },
  {
    name: 'commit',
    mutate: [
      'functions/store/transaction/commit.ts',
      'functions/store/transaction/conflict.ts',
      'functions/store/transaction/put-record.ts',
      'functions/store/transaction/read-record.ts',
      'functions/store/transaction/idempotency-record.ts',
      'functions/store/transaction/lock-items.ts',
      'functions/store/transaction/conditions.ts',
    ],
    tests: integration(...commits),
    isWhole: true,
    reason: 'It sends decisions to the database, and tells each race and what a cancellation means.',
  },
  {
    name: 'transaction',
    mutate: [
      'functions/store/transaction/transaction-items.ts',
      'functions/store/transaction/entity-writes.ts',
    ],
    tests: integration(...commits, 'conditions'),
    reason: 'They read back what was decided; the last is of what must not be replaced.',
  },
  {
    name: 'expression',
    mutate: ['functions/store/transaction/expression.ts'],
    tests: integration('rules', ...commits),
    reason: 'Each kind of rule as a condition, where it holds and where it does not.',
  },
  {
    name: 'commands',
    mutate: [
      'functions/commands/idempotency-keys.ts',
      'functions/commands/key-outcomes.ts',
      'functions/commands/execute.ts',
      'functions/commands/between-attempts.ts',
    ],
    tests: integration(...commandsAsCalled, 'answer-outcomes'),
    reason: 'What a key answers, and what a command does that meets others or loses an answer.',
  },
  {
    name: 'decisions',
    mutate: [
      'functions/commands/read-and-decide.ts',
      'functions/commands/known-states.ts',
      'functions/commands/choose-items.ts',
      'functions/commands/once.ts',
      'functions/commands/execution.ts',
      'functions/commands/metrics.ts',
    ],
    tests: [...unit('read-first'), ...integration(...commandsAsCalled, 'moved-between-reads')],
    reason: 'What a command reads, and when that is of one moment.',
  },
  {
    name: 'shares',
    mutate: ['functions/core/shares.ts', 'functions/commands/spread-memory.ts'],
    tests: [...unit('shares'), ...integration('shares')],
    isWhole: true,
    reason: 'How an account is shared out, and what a process remembers of that.',
  },
  {
    name: 'share-items',
    mutate: [
      'functions/commands/level-shares.ts',
      'functions/store/transaction/share-items.ts',
      'functions/store/transaction/level-items.ts',
      'functions/store/entities/shares.ts',
    ],
    tests: [...unit('share-items'), ...integration('shares')],
    reason: 'What is written to the items of an account, and how they are read as one.',
  },
  {
    name: 'fixed',
    mutate: ['functions/commands/fixed-rules.ts', 'functions/store/entities/fixed-attributes.ts'],
    tests: integration('fixed-attributes'),
    reason: 'What never changes, read by commands, lists and the audit.',
  },
  {
    name: 'migration',
    mutate: ['functions/commands/migrate.ts', 'functions/store/entities/older-entities.ts'],
    tests: integration('upgrades'),
    reason: 'How older entities become newer ones, and what is in the way.',
  },
  {
    name: 'workers',
    mutate: ['functions/workers/batch.ts', 'functions/workers/topic-worker.ts'],
    tests: integration(...workerDecisions),
    reason: 'What a worker makes of each delivery, with receivers that answer in each way.',
  },
  {
    name: 'ends',
    mutate: [
      'functions/workers/delivery-ends.ts',
      'functions/workers/calls.ts',
      'functions/workers/call-receiver.ts',
    ],
    tests: [...unit('message-calls'), ...integration(...workerDecisions, 'answers-at-once')],
    reason: 'What a message keeps of each end.',
  },
  {
    name: 'answer-words',
    mutate: ['functions/commands/answer-input.ts'],
    tests: unit('answer-input'),
    isWhole: true,
    reason: 'It does no I/O.',
  },
  {
    name: 'answers-carried-out',
    mutate: ['functions/commands/carry-out-answer.ts'],
    tests: integration('answer-outcomes'),
    reason: 'How an answer ends its message and moves its entity, or waits.',
  },
  {
    name: 'timers',
    mutate: ['functions/workers/timer-worker.ts'],
    tests: integration('timer-deliveries'),
    reason: 'What the worker of timers makes of each delivery.',
  },
  {
    name: 'scheduled',
    mutate: ['functions/workers/scheduled-transition.ts'],
    tests: integration('timer-outcomes'),
    reason: 'What a scheduled transition comes to.',
  },
  {
    name: 'receivers',
    mutate: [
      'functions/workers/payloads.ts',
      'functions/workers/receivers/http-call.ts',
      'functions/workers/receivers/http-statuses.ts',
      'functions/workers/receivers/first-byte.ts',
      'functions/workers/receivers/outbound-address.ts',
      'functions/workers/receivers/mail.ts',
      'functions/workers/receivers/mailbox.ts',
      'functions/workers/receivers/csv-object.ts',
      'functions/workers/receivers/language-model.ts',
    ],
    tests: unit('http-call', 'outbound-address', 'receivers', 'mail', 'mailbox'),
    isWhole: true,
    reason: 'What each answer of the outside means, against servers in the process.',
  },
  {
    name: 'deadlines',
    mutate: ['functions/core/deadlines.ts', 'functions/core/recurrence.ts'],
    tests: unit('deadlines'),
    isWhole: true,
    reason: 'Which moment an entity waits for, and how moments come again. They do no I/O.',
  },
  {
    name: 'signatures',
    mutate: ['functions/runtime/trace.ts', 'functions/runtime/webhook-signature.ts'],
    tests: unit('trace', 'webhook-signature'),
    isWhole: true,
    reason: 'What others send and are sent of a trace, and by whom a request was signed. They do no I/O.',
  },
  {
    name: 'redrive-steps',
    mutate: ['functions/core/redrive-run.ts', 'functions/core/ramp.ts'],
    tests: unit('redrive'),
    reason: 'What comes next of what a redrive run has seen. They do no I/O.',
  },
  {
    name: 'redrive-runs',
    mutate: [
      'functions/workers/redrive-run.ts',
      'functions/workers/run-timer.ts',
      'functions/store/redrives/runs.ts',
    ],
    tests: integration('redrive-steps', 'redrive-runs'),
    reason: 'How a run is carried on, by whoever comes.',
  },
  {
    name: 'redrive-search',
    mutate: ['functions/store/redrives/search.ts'],
    tests: ['test/integration/redrive-search.isolated.test.ts'],
    reason: 'What a part of the list takes, with small limits.',
  },
  {
    name: 'open-messages',
    mutate: ['functions/store/outbox/open-messages.ts'],
    tests: integration('open-messages'),
    reason: 'Whether a walk comes to each open message.',
  },
  {
    name: 'dead-groups',
    mutate: ['functions/store/outbox/dead-groups.ts'],
    tests: ['test/integration/dead-groups.isolated.test.ts'],
    reason: 'What is counted, with small limits.',
  },
  {
    name: 'bulk-redrive',
    mutate: ['functions/store/outbox/bulk-redrive.ts'],
    tests: integration('bulk-redrive'),
    reason: 'Which messages it runs again, and what it says of the rest.',
  },
  {
    name: 'entity-reads',
    mutate: ['functions/store/entities/reads.ts', 'functions/store/entities/all-entities.ts'],
    tests: integration('entity-reads'),
    reason: 'What reads show, page by page, and how strongly they ask.',
  },
  {
    name: 'audit-reads',
    mutate: ['functions/store/audit/audit-reads.ts'],
    tests: integration('audit-reads'),
    reason: 'What the audit is shown: all, once, and as strongly as it asks.',
  },
  {
    name: 'audit-runs',
    mutate: ['functions/store/audit/audit-runs.ts'],
    tests: integration('audit-runs'),
    reason: 'What an audit keeps between its calls.',
  },
  {
    name: 'tenant-register',
    mutate: ['functions/store/audit/tenant-register.ts'],
    tests: integration('tenant-register'),
    reason: 'What one night leaves to the next, and who may write it.',
  },
  {
    name: 'statements',
    mutate: ['functions/store/statements/lines.ts', 'functions/store/statements/watermark.ts'],
    tests: integration('statement-lines'),
    reason: 'How lines lie in the table, and how far the stream has been read for them.',
  },
  {
    name: 'relay',
    mutate: [
      'functions/outbox/message-relay.ts',
      'functions/outbox/send.ts',
      'functions/outbox/timer-stream.ts',
    ],
    tests: integration('relay', 'send'),
    reason: 'The way from the stream to the queues, and what becomes of what a queue does not take.',
  },
  {
    name: 'sweeper',
    mutate: ['functions/outbox/sweep-messages.ts'],
    tests: integration('sweep-choices'),
    reason: 'What the sweeper sends again, and when.',
  },
  {
    name: 'timer-sweeper',
    mutate: ['functions/outbox/sweep-timers.ts', 'functions/store/outbox/due-timers.ts'],
    tests: integration('due-timers', 'timer-sweep'),
    reason: 'The same of timers.',
  },
  {
    name: 'sweep-runs',
    mutate: ['functions/outbox/sweep.ts'],
    tests: integration('sweep-runs'),
    isWhole: true,
    reason: 'What a run of the sweeper tells of itself, and what it goes on with where a part of it fails.',
  },
  {
    name: 'operator-log',
    mutate: ['functions/store/newest-page.ts', 'functions/store/operations/log.ts'],
    tests: integration('operator-log'),
    isWhole: true,
    reason: 'What operators did, in the order of time, page by page.',
  },
  {
    name: 'live-definitions',
    mutate: ['functions/store/live-definitions.ts'],
    tests: integration('live-definitions'),
    isWhole: true,
    reason: 'What a store says of the definitions that it was last used with, and who may write it.',
  },
];
