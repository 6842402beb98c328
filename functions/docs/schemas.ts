/** Schemas of everything the API answers with, as `view.ts` and the queries make it. */
import * as z from 'zod';
import type { Domain } from '../core/definition.ts';
import { publicTransitions, statesOf } from '../core/registry.ts';
import { message as limits } from '../runtime/limits.ts';
import { topics } from '../runtime/topics.ts';
import { messageStatuses } from '../store/outbox/message-items.ts';
import { exampleId } from './example-body.ts';

const ulid = '[0-9A-HJKMNP-TV-Z]{26}';
export const moment = (description: string) => z.iso.datetime().meta({ description });
export const count = (description: string) => z.int().nonnegative().meta({ description });

export const idPattern = ({ idPrefix }: Domain): string => `^${idPrefix}_${ulid}$`;

const entityId = (domain: Domain) =>
  z
    .string()
    .regex(new RegExp(idPattern(domain)))
    .meta({ description: `Id of the ${domain.type}.`, examples: [exampleId(domain)] });

const listed = (states: readonly string[]): string => states.map((state) => `\`${state}\``).join(' or ');

/** Hidden attributes and bookkeeping accounts are no part of it. What differs by state is said so. */
export function entitySchema(domain: Domain): z.ZodObject {
  const publicNames = publicTransitions(domain);
  const accounts = Object.entries(domain.accounts ?? {}).filter(([, { shown }]) => shown === true);
  const schema = z.strictObject({
    id: entityId(domain),
    type: z.literal(domain.type),
    status: z.enum(statesOf(domain) as [string, ...string[]]),
    version: z.int().positive().meta({ description: 'Grows by one with every command; also the `ETag`.' }),
    createdAt: moment('When it was created.'),
    updatedAt: moment('When the last command changed it.'),
    ...domain.attributes.shape,
    ...Object.fromEntries(
      accounts.map(([name, { unit, open }]) => [
        name,
        z.int().meta({
          description: [
            typeof unit === 'string' ? `In ${unit}s.` : `In minor units of what \`${unit.from}\` says.`,
            ...(open ? [`It changes only while \`status\` is ${listed(open.while)}.`] : []),
          ].join(' '),
          examples: [0],
        }),
      ]),
    ),
    allowedTransitions: z
      .array(publicNames.length > 0 ? z.enum(publicNames as [string, ...string[]]) : z.never())
      .meta({ description: 'What may be asked for now.' }),
  });
  const always = Object.entries(domain.always ?? {}).filter(([name]) => name in domain.attributes.shape);
  return always.length === 0 ? schema : schema.meta({ allOf: always.map(requiredIn) });
}

/** What a state always has, as JSON Schema says it of an object whose `status` is that one. */
const requiredIn = ([name, states]: readonly [string, readonly string[]]) => ({
  if: { properties: { status: { enum: states } }, required: ['status'] },
  // A linter wants what is required to be listed here, too, and then that there may be more.
  then: { properties: { [name]: {} }, required: [name], additionalProperties: true },
});

export const page = (item: z.ZodType): z.ZodObject =>
  z.strictObject({
    items: z.array(item),
    nextCursor: z.string().optional().meta({
      description: 'Absent on the last page. Any other may hold fewer items than were asked for, even none.',
    }),
  });

/** Of entities that are found by an attribute, too. */
export const listedPage = (item: z.ZodType): z.ZodObject =>
  page(item).extend({
    asOf: moment(
      'Of a list by an attribute: every entity that was created or changed up to then is in it; newer ones may be, too.',
    ).optional(),
  });

export const ledgerEntry = z.strictObject({
  seq: z.int().positive().meta({ description: 'Starts at 1 and has no gap.' }),
  command: z.string().meta({ description: '`create`, or the transition.', examples: ['create'] }),
  from: z.string().nullable().meta({ description: 'Status before; `null` for the first entry.' }),
  to: z.string().meta({ description: 'Status after.' }),
  actor: z.string().meta({
    description: 'Subject of the token, or `system:…` where the backend acted by itself.',
    examples: ['alice'],
  }),
  at: moment('When it was committed.'),
  data: z.record(z.string(), z.unknown()).meta({ description: 'The input, without its secrets.' }),
  postings: z.array(
    z.strictObject({
      account: z.string().meta({ examples: ['holding:bookshop:EUR'] }),
      unit: z.string().meta({ examples: ['EUR'] }),
      amount: z.int().meta({ description: 'Negative takes, positive gives; an entry sums to zero.' }),
    }),
  ),
  hash: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .meta({ description: 'SHA-256 over this entry and `previousHash`.' }),
  previousHash: z.string().regex(/^[0-9a-f]{64}$/),
});

export const messageStatus = z.enum(messageStatuses);
export const messageIdPattern = `^msg_[a-z]{2,5}_${ulid}_[0-9]+_[0-9]+$`;
const messageId = z.string().regex(new RegExp(messageIdPattern));

export const message = z.strictObject({
  id: messageId,
  topic: z.enum(topics),
  type: z.string().meta({ description: 'What it is about.', examples: ['payment.capture'] }),
  entity: z.string().meta({ description: 'Id of the entity that caused it.' }),
  status: messageStatus,
  attempts: count('Calls to the receiver since it was last started.'),
  createdAt: moment('When its command was committed.'),
  sentAt: moment('When a worker first took it, or when it was last sent again.').optional(),
  doneAt: moment('When the receiver had accepted it.').optional(),
  lastError: z
    .strictObject({
      reason: z.string(),
      code: z.string().meta({ description: 'An HTTP status, or a word.', examples: ['503', 'timeout'] }),
      at: moment('When the call failed.'),
      answer: z.string().optional().meta({ description: 'The beginning of what the receiver answered.' }),
    })
    .optional()
    .meta({ description: 'Why the last attempt failed; not on a message that is done.' }),
  receiver: z.string().optional().meta({ description: 'Who is called, where it has a name.' }),
  uncertain: z
    .literal(true)
    .optional()
    .meta({ description: 'Its receiver may have acted, and nobody knows.' }),
  waitingUntil: moment('Of one that waits for a callback: when it is looked after without one.').optional(),
  calls: z
    .array(
      z.strictObject({
        kind: z.enum(['call', 'inquiry']),
        run: z.int().positive().meta({ description: 'Grows by one with every redrive.' }),
        attempt: z.int().nonnegative().meta({ description: 'Of that run.' }),
        at: moment('When its outcome was known.'),
        sent: z.string().optional().meta({ description: 'What was sent.' }),
        code: z
          .string()
          .meta({ description: 'What came: an HTTP status, or a word.', examples: ['503', 'timeout'] }),
        reason: z.string(),
        certain: z.boolean().meta({ description: 'Whether it is known what the receiver did.' }),
      }),
    )
    .max(limits.callsMax)
    .optional()
    .meta({
      description: `The newest ${limits.callsMax} attempts and inquiries, the oldest of them first. One that went well at once has none.`,
    }),
  result: z.unknown().optional().meta({ description: 'What the receiver gave back.' }),
  refused: z
    .strictObject({
      code: z.string().meta({ description: 'An HTTP status, or a word.', examples: ['402'] }),
      reason: z.string(),
      answer: z.string().optional().meta({ description: 'The beginning of what the receiver answered.' }),
    })
    .optional()
    .meta({ description: 'The receiver’s no.' }),
  answer: z
    .strictObject({
      outcome: z.enum(['done', 'refused', 'dead']),
      by: z
        .string()
        .meta({ description: '`receiver:…`, or the operator.', examples: ['receiver:external-call'] }),
      at: moment('When it was taken.'),
      note: z.string().optional().meta({ description: 'What the operator wrote.' }),
    })
    .optional()
    .meta({ description: 'Who said what became of it.' }),
  answerWaits: z
    .strictObject({ code: z.string(), at: moment('When it was tried last.') })
    .optional()
    .meta({ description: 'Why its answer has not moved the entity yet.' }),
  behind: messageId.optional().meta({ description: 'The message before it that has to end first.' }),
});

export const messageGroups = z.strictObject({
  items: z.array(
    z.strictObject({
      topic: z.enum(topics),
      type: z.string().meta({ description: 'What they are about.', examples: ['payment.capture'] }),
      code: z
        .string()
        .meta({ description: 'Of the last error: an HTTP status, or a word.', examples: ['503', 'timeout'] }),
      receiver: z.string().optional().meta({ description: 'Who was called, where it has a name.' }),
      count: count('Messages of this group.'),
      held: count('Those of them that are to be resolved: they may have acted and must not be called again.'),
      firstAt: moment('When the first of them died.'),
      lastAt: moment('When the last of them died.'),
    }),
  ),
  counted: count('Messages that were counted.'),
  nextCursor: z.string().optional().meta({ description: 'Absent when all were counted.' }),
});

export const heldLock = z.strictObject({
  token: z.string().meta({
    description: 'To be sent as `Lock-Token` with every command.',
    examples: ['kq0y3b1zjrX9nQwYc5UoTg'],
  }),
  fence: z
    .int()
    .positive()
    .meta({ description: 'Grows with every lock of this entity.', examples: [1] }),
  expiresAt: moment('From then on the token never commits anything.'),
});

export const timing = z.strictObject({
  lock: z
    .strictObject({
      by: z
        .string()
        .optional()
        .meta({ description: 'Subject of the token that took it.', examples: ['alice'] }),
      fence: z
        .int()
        .positive()
        .meta({ description: 'Grows with every lock of this entity.', examples: [1] }),
      expiresAt: moment('Until then its commands need the `Lock-Token`, unless it is unlocked before.'),
    })
    .optional()
    .meta({ description: 'Absent where nobody holds it.' }),
  deadline: z
    .strictObject({
      transition: z
        .string()
        .meta({ description: 'The transition that happens by itself.', examples: ['expire'] }),
      at: moment('When, if nothing else moves the entity before.'),
    })
    .optional()
    .meta({ description: 'Absent where it waits for none.' }),
});

export const statementPage = page(
  z.strictObject({
    entity: z.string().meta({ description: 'Whose ledger has the entry.' }),
    seq: z.int().positive().meta({ description: 'The number of the entry in that ledger.' }),
    at: moment('When it was committed.'),
    amount: z
      .int()
      .meta({ description: 'Negative was taken, positive given, in minor units.', examples: [1250] }),
    command: z.string().meta({ description: '`create`, or the transition.', examples: ['confirm'] }),
  }),
).extend({
  asOf: moment(
    'Every entry up to then is in the statement; newer ones may be, too. It is 1970 until the first heartbeat has come ' +
      'through, a minute after the very first start.',
  ),
});

export const balance = z.strictObject({
  account: z.string().meta({ examples: ['holding:bookshop:EUR'] }),
  unit: z
    .string()
    .optional()
    .meta({ description: 'Absent where the account was never used.', examples: ['EUR'] }),
  balance: z.int().meta({ description: 'The sum of all postings; 0 for an account never used.' }),
});

export const request = z.strictObject({
  key: z.string().meta({ description: 'The `Idempotency-Key`, without quotes.', examples: ['order-1'] }),
  path: z.string().meta({ examples: ['/v1/payments'] }),
  subject: z.string().meta({ description: 'Who sent it.', examples: ['alice'] }),
  requestId: z.string().meta({ description: 'Of the request that was answered first.' }),
  expiresAt: moment('From then on the key is free again.'),
  answer: z.strictObject({
    status: z.int().meta({ description: 'Of HTTP.', examples: [201] }),
    location: z.string().optional(),
    etag: z
      .string()
      .optional()
      .meta({ examples: ['"1"'] }),
    body: z
      .unknown()
      .optional()
      .meta({ description: 'Absent where there was none, or without the scope `commands`.' }),
  }),
  entity: z.string().optional().meta({ description: 'Id of the entity that it was about.' }),
  entry: ledgerEntry.optional().meta({ description: 'What it wrote into the ledger of that entity.' }),
});

export const redriven = z.strictObject({
  id: messageId,
  redriven: z.boolean().meta({ description: 'False where the message was not dead and was left alone.' }),
});

export const redrivenCount = z.strictObject({ count: count('Messages that run again.') });

export const auditPage = z.strictObject({
  ok: z.boolean().meta({ description: 'Whether this part has no problem.' }),
  checkedEntities: count('Entities of this part.'),
  checkedEntries: count('Ledger entries of this part.'),
  problems: z.array(
    z.strictObject({
      entity: z.string().optional(),
      seq: z.int().optional(),
      account: z.string().optional(),
      problem: z.string(),
    }),
  ),
  nextCursor: z.string().optional().meta({ description: 'Absent when all was checked.' }),
});
