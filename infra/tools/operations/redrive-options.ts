/** The command line of a redrive: what is taken on, and how carefully. */
import { topics } from '../../../functions/runtime/topics.ts';
import type { Topic } from '../../../functions/runtime/topics.ts';
import type { MessageItem } from '../../../functions/store/outbox/message-items.ts';
import { numberWithin, UsageError, type ValuesOf } from '../../local/command-line.ts';

export interface RedriveOptions {
  readonly topic: Topic;
  /** Messages that died within this time; none: all. */
  readonly sinceMs: number | undefined;
  readonly matches: readonly Match[];
  readonly dryRun: boolean;
  readonly limit: number;
  /** Messages begun a second. */
  readonly rate: number;
  /** The share of failures, 0 to 1, past which it stops. */
  readonly maxFailures: number;
  readonly table: string | undefined;
}

export interface Match {
  readonly field: MatchField;
  readonly value: string;
}

const fields = ['code', 'tenant', 'type', 'entity', 'collection'] as const;
type MatchField = (typeof fields)[number];

export const usage = `usage: npm run redrive -- --topic <${topics.join('|')}> [options]

  --since <90s|30m|1h|2d>   only messages that died within this time
  --match <field>=<value>   only messages whose ${fields.join(', ')} is this; may be given again
  --dry-run                 shows what would be done and changes nothing
  --limit <n>               messages at most (1000)
  --rate <n>                messages begun a second (5)
  --max-failures <0..1>     stops when a larger share fails again (0.2)
  --table <name>            the outbox table (OUTBOX_TABLE, or the only table so named)

Without AWS_REGION, AWS_PROFILE or AWS_ENDPOINT_URL it works on the npm start of this machine (PORT, 3000).`;

export const flags = {
  topic: { type: 'string' },
  since: { type: 'string' },
  match: { type: 'string', multiple: true },
  'dry-run': { type: 'boolean', default: false },
  limit: { type: 'string', default: '1000' },
  rate: { type: 'string', default: '5' },
  'max-failures': { type: 'string', default: '0.2' },
  table: { type: 'string' },
} as const;

/** @throws UsageError */
export function redriveOptions(values: ValuesOf<typeof flags>): RedriveOptions {
  const topic = topics.find((name) => name === values.topic);
  if (topic === undefined) throw new UsageError(`--topic is one of ${topics.join(', ')}`);
  return {
    topic,
    sinceMs: values.since === undefined ? undefined : durationMs(values.since),
    matches: (values.match ?? []).map(match),
    dryRun: values['dry-run'],
    limit: numberWithin('limit', values.limit, 1, 1_000_000),
    rate: numberWithin('rate', values.rate, 0.1, 500),
    maxFailures: numberWithin('max-failures', values['max-failures'], 0, 1),
    table: values.table,
  };
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

function durationMs(text: string): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (count === undefined) throw new UsageError('--since is a number and a unit, like 90s, 30m, 1h or 2d');
  return Number(count) * unitMs[unit as keyof typeof unitMs];
}

function match(text: string): Match {
  const at = text.indexOf('=');
  const field = fields.find((name) => name === text.slice(0, at));
  if (at < 0 || field === undefined) {
    throw new UsageError(`--match is <field>=<value>, the field one of ${fields.join(', ')}`);
  }
  return { field, value: text.slice(at + 1) };
}

/** @param now epoch milliseconds */
export function isSelected(message: MessageItem, options: RedriveOptions, now: number): boolean {
  const diedAt = message.letter?.diedAt ?? Date.parse(message.lastError?.at ?? message.createdAt);
  if (options.sinceMs !== undefined && diedAt < now - options.sinceMs) return false;
  return options.matches.every(({ field, value }) =>
    field === 'code' ? message.lastError?.code === value : message[field] === value,
  );
}
