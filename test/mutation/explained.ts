/** Mutants that live, and why that is right. Found again by their text, so that a line that moves changes nothing. */
export interface Explained {
  /** From the root of the project. */
  readonly file: string;
  /** The text that is replaced, on one line. */
  readonly original: string;
  readonly replacement: string;
  readonly why: string;
}

export const explained: readonly Explained[] = [
  {
    file: 'functions/commands/waiting-room.ts',
    original: 'sum === 0',
    replacement: 'false',
    why: 'A name with nobody waiting counts like one that is not there; it is deleted to keep the map small.',
  },
  {
    file: 'functions/store/outbox/delivery-state.ts',
    original: 'record.leaseUntil !== undefined',
    replacement: 'true',
    why: 'No number is below `undefined`, so the comparison beside it says the same; the types ask for the check.',
  },
  {
    file: 'functions/store/transaction/commit.ts',
    original: '[]',
    replacement: '["Stryker was here"]',
    why: 'In the place of reasons there is a text, which has no code: it is none, like a list that is empty.',
  },
  {
    file: 'functions/store/transaction/commit.ts',
    original: "oldItem(reason)?.['balances']",
    replacement: "oldItem(reason)['balances']",
    why: 'The comparison before it has found the item; the types do not know that.',
  },
  {
    file: 'functions/store/transaction/commit.ts',
    original: "reason.Message ?? ''",
    replacement: "reason.Message && ''",
    why: 'The words of an error.',
  },
  {
    file: 'functions/store/transaction/commit.ts',
    original: "''",
    replacement: '"Stryker was here!"',
    why: 'The words of an error.',
  },
  {
    file: 'functions/store/transaction/commit.ts',
    original: '() => kept?.balance ?? 0',
    replacement: '() => undefined',
    why: 'One rule is asked of a balance. The database has refused it, so it is the broken one whatever is read.',
  },
  {
    file: 'functions/store/transaction/commit.ts',
    original: "oldItem(reason)?.['run']",
    replacement: "oldItem(reason)['run']",
    why: 'Without an item nothing is in the way; the types do not know that.',
  },
  {
    file: 'functions/store/transaction/commit.ts',
    original: "'message end'",
    replacement: '""',
    why: 'Such a label is told of before; the types ask for the case.',
  },
  {
    file: 'functions/store/transaction/commit.ts',
    original: 'Code !== undefined',
    replacement: 'true',
    why: 'No reason is called `undefined`; the types ask for the check.',
  },
  {
    file: 'functions/store/outbox/message-writes.ts',
    original: '!(error instanceof TransactionCanceledException)',
    replacement: 'false',
    why: 'An error of another kind has no reasons, and is thrown by the check of them; the types ask for this one.',
  },
  {
    file: 'functions/store/outbox/messages.ts',
    original: 'copy !== undefined',
    replacement: 'true',
    why: 'The client leaves out what is undefined; the types ask for the check.',
  },
  {
    file: 'functions/store/transaction/conditions.ts',
    original: "test.op === 'missing' && domain.fixed?.includes(test.path) === true",
    replacement: "test.op === 'missing' || domain.fixed?.includes(test.path) === true",
    why: 'An item names in `fixed` what lies apart and nothing else, so that this holds of any other attribute, too.',
  },
  {
    file: 'functions/store/transaction/conditions.ts',
    original: 'domain.fixed?.includes(test.path) === true',
    replacement: 'true',
    why: 'An item names in `fixed` what lies apart and nothing else, so that this holds of any other attribute, too.',
  },
  {
    file: 'functions/store/transaction/conditions.ts',
    original: 'condition !== undefined',
    replacement: 'true',
    why: 'A rule of an account has a condition; the types ask for the check.',
  },
  {
    file: 'functions/commands/idempotency-keys.ts',
    original: 'true',
    replacement: 'false',
    why: 'Each request has its scope. If one had none, it must not run without protection.',
  },
  {
    file: 'functions/commands/idempotency-keys.ts',
    original: "taken.kind !== 'fresh'",
    replacement: 'false',
    why: 'One that remembers nothing finds nothing remembered; the types ask for the check.',
  },
  {
    file: 'functions/commands/idempotency-keys.ts',
    original: '!(error instanceof IdempotencyItemAlreadyExistsError) || !error.existingRecord',
    replacement: 'false',
    why: 'Powertools throws nothing else here; what it may throw one day is a defect.',
  },
  {
    file: 'functions/commands/idempotency-keys.ts',
    original: '!(error instanceof IdempotencyItemAlreadyExistsError) || !error.existingRecord',
    replacement: '!(error instanceof IdempotencyItemAlreadyExistsError) && !error.existingRecord',
    why: 'Powertools throws nothing else here; what it may throw one day is a defect.',
  },
  {
    file: 'functions/commands/idempotency-keys.ts',
    original: 'record?.payloadHash === undefined',
    replacement: 'false',
    why: 'Powertools makes a record of each request; the types do not know that.',
  },
  {
    file: 'functions/commands/idempotency-keys.ts',
    original: 'record?.payloadHash',
    replacement: 'record.payloadHash',
    why: 'Powertools makes a record of each request; the types do not know that.',
  },
  {
    file: 'functions/commands/idempotency-keys.ts',
    original: 'error instanceof IdempotencyValidationError',
    replacement: 'true',
    why: 'Powertools throws nothing else of a record that is finished; what it may throw one day is a defect.',
  },
  {
    file: 'functions/commands/key-outcomes.ts',
    original: '!call.key',
    replacement: 'false',
    why: 'The transaction of an answer has no record that could be in its way; the types ask for the check.',
  },
  {
    file: 'functions/store/outbox/ordered-messages.ts',
    original: 'receiver !== undefined',
    replacement: 'true',
    why: 'The client leaves out what is undefined; the types ask for the check.',
  },
  {
    file: 'functions/commands/key-outcomes.ts',
    original: "request.kind === 'transition'",
    replacement: 'true',
    why: 'No other command has a deadline or is called so; the types ask for the check.',
  },
  {
    file: 'functions/commands/key-outcomes.ts',
    original: 'looks += 1',
    replacement: 'looks -= 1',
    why: 'The pauses would not grow, and it would look more often until the same end; how they grow tells `backoff-window`.',
  },
  {
    file: 'functions/commands/key-outcomes.ts',
    original: 'defeats += 1',
    replacement: 'defeats -= 1',
    why: 'The pauses would not grow, and it would look more often until the same end; how they grow tells `backoff-window`.',
  },
  {
    file: 'functions/store/outbox/ordered-messages.ts',
    original: 'startKey !== undefined',
    replacement: 'true',
    why: 'The client leaves out what is undefined; the types ask for the check.',
  },
  {
    file: 'functions/store/transaction/put-record.ts',
    original: 'error instanceof ConditionalCheckFailedException && error.Item',
    replacement: 'error instanceof ConditionalCheckFailedException || error.Item',
    why: 'Only such an error has an item, and it always has one: the put asks for it, and what is in the way is there.',
  },
  {
    file: 'functions/store/transaction/entity-writes.ts',
    original: 'after.definition !== undefined',
    replacement: 'true',
    why: 'The client leaves out what is undefined; the types ask for the check.',
  },
  {
    file: 'functions/store/transaction/entity-writes.ts',
    original: 'after.fixed?.includes',
    replacement: 'after.fixed.includes',
    why: 'It is asked where there are some; the types do not know that.',
  },
  {
    file: 'functions/store/transaction/transaction-items.ts',
    original: 'done !== undefined',
    replacement: 'true',
    why: 'The client leaves out what is undefined; the types ask for the check.',
  },
  {
    file: 'functions/store/transaction/transaction-items.ts',
    original: 'refused !== undefined',
    replacement: 'true',
    why: 'The client leaves out what is undefined; the types ask for the check.',
  },
  {
    file: 'functions/store/transaction/transaction-items.ts',
    original: 'dead !== undefined',
    replacement: 'true',
    why: 'The client leaves out what is undefined; the types ask for the check.',
  },
  {
    file: 'functions/store/transaction/entity-writes.ts',
    original: 'before?.status',
    replacement: 'before.status',
    why: 'Only an entity that was there is updated; the types do not know that.',
  },
  {
    file: 'functions/store/transaction/entity-writes.ts',
    original: 'before?.due',
    replacement: 'before.due',
    why: 'Only an entity that was there is updated; the types do not know that.',
  },
  {
    file: 'functions/store/transaction/entity-writes.ts',
    original: 'before?.version',
    replacement: 'before.version',
    why: 'Only an entity that was there is updated; the types do not know that.',
  },
  {
    file: 'functions/store/transaction/entity-writes.ts',
    original: 'before?.[name]',
    replacement: 'before[name]',
    why: 'Only an entity that was there is updated; the types do not know that.',
  },
  {
    file: 'functions/store/transaction/entity-writes.ts',
    original: 'before?.balances',
    replacement: 'before.balances',
    why: 'Only an entity that was there is updated; the types do not know that.',
  },
  {
    file: 'functions/store/transaction/transaction-items.ts',
    original:
      "rules.every( ({ test }) => (test.op === 'atMost' && 0 <= test.value) || (test.op === 'atLeast' && 0 >= test.value), )",
    replacement:
      "rules.some(({ test }) => test.op === 'atMost' && 0 <= test.value || test.op === 'atLeast' && 0 >= test.value)",
    why: 'One rule is asked of a balance.',
  },
  {
    file: 'functions/store/transaction/transaction-items.ts',
    original: '0 <= test.value',
    replacement: 'true',
    why: 'No amount is as large as a balance may be, so a new account takes any.',
  },
  {
    file: 'functions/store/transaction/transaction-items.ts',
    original: '0 <= test.value',
    replacement: '0 < test.value',
    why: 'No amount is as large as a balance may be, so a new account takes any.',
  },
  {
    file: 'functions/store/transaction/transaction-items.ts',
    original: "test.op === 'atLeast'",
    replacement: 'true',
    why: 'A rule on a balance is of one of the two kinds.',
  },
  {
    file: 'functions/store/transaction/conditions.ts',
    original: "''",
    replacement: '"Stryker was here!"',
    why: 'Such a test has a condition; the types do not know that.',
  },
  {
    file: 'functions/store/transaction/conflict.ts',
    original: '[]',
    replacement: '["Stryker was here"]',
    why: 'In the place of reasons there is a text, which has no code: it is none, like a list that is empty.',
  },
  {
    file: 'functions/store/transaction/read-record.ts',
    original: '[]',
    replacement: '["Stryker was here"]',
    why: 'The database answers what it was asked for; the types do not know that.',
  },
  {
    file: 'functions/outbox/send.ts',
    original: 'outcomes[index]?.kind',
    replacement: 'outcomes[index].kind',
    why: 'There is one outcome a message; the types do not know that.',
  },
  {
    file: 'functions/outbox/send.ts',
    original: 'limits.pauseMs * 2 ** (attempt - 1) * (0.5 + Math.random() / 2)',
    replacement: 'limits.pauseMs * 2 ** (attempt - 1) / (0.5 + Math.random() / 2)',
    why: 'How long it waits between two tries, by which nothing is decided.',
  },
  {
    file: 'functions/outbox/send.ts',
    original: 'limits.pauseMs * 2 ** (attempt - 1)',
    replacement: 'limits.pauseMs / 2 ** (attempt - 1)',
    why: 'How long it waits between two tries, by which nothing is decided.',
  },
  {
    file: 'functions/outbox/send.ts',
    original: 'attempt - 1',
    replacement: 'attempt + 1',
    why: 'How long it waits between two tries, by which nothing is decided.',
  },
  {
    file: 'functions/outbox/send.ts',
    original: '0.5 + Math.random() / 2',
    replacement: '0.5 - Math.random() / 2',
    why: 'How long it waits between two tries, by which nothing is decided.',
  },
  {
    file: 'functions/outbox/send.ts',
    original: 'Math.random() / 2',
    replacement: 'Math.random() * 2',
    why: 'How long it waits between two tries, by which nothing is decided.',
  },
  {
    file: 'functions/outbox/send.ts',
    original: 'failed[place]?.index',
    replacement: 'failed[place].index',
    why: 'There is one outcome a message; the types do not know that.',
  },
  {
    file: 'functions/outbox/send.ts',
    original: 'index !== undefined',
    replacement: 'true',
    why: 'There is one outcome a message; the types do not know that.',
  },
  {
    file: 'functions/outbox/send.ts',
    original: '[]',
    replacement: '["Stryker was here"]',
    why: 'In the place of entries there is a text, which has no id: it is none, like a list that is empty.',
  },
  {
    file: 'functions/outbox/send.ts',
    original: 'delaySeconds !== undefined',
    replacement: 'true',
    why: 'The client leaves out what is undefined; the types ask for the check.',
  },
  {
    file: 'functions/store/transaction/expression.ts',
    original: 'names.length > 0',
    replacement: 'true',
    why: 'Each expression names something, of what is sent.',
  },
  {
    file: 'functions/store/transaction/expression.ts',
    original: 'names.length > 0',
    replacement: 'names.length >= 0',
    why: 'Each expression names something, of what is sent.',
  },
  {
    file: 'functions/store/transaction/conditions.ts',
    original: "test.op === 'missing'",
    replacement: 'true',
    why: "Any other rule on what lies apart fails on the entity's item by itself.",
  },
  {
    file: 'functions/workers/topic-worker.ts',
    original: 'sent !== undefined',
    replacement: 'true',
    why: 'The client leaves out what is undefined; the types ask for the check.',
  },
];
