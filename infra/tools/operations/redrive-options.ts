/** The command line of a redrive: which messages, of whom, and how carefully. */
import { redriveRun as limits } from '../../../functions/runtime/delivery-limits.ts';
import { topics } from '../../../functions/runtime/topics.ts';
import { numberWithin, UsageError, type ValuesOf } from '../../local/command-line.ts';

/** The body of `POST /v1/redrives`. */
export interface RedriveBody {
  readonly match: Readonly<Record<string, string>>;
  readonly dryRun: boolean;
  readonly startWith?: number;
  readonly factor?: number;
  readonly stopAtFailureShare?: number;
  readonly note?: string;
}

export interface RedriveOptions {
  readonly url: string;
  /** Whose token is signed, where none is given. */
  readonly tenant: string;
  /** A run that goes on already, which is only watched. */
  readonly run?: string;
  readonly body: RedriveBody;
}

export const usage = `usage: npm run redrive -- --tenant <tenant> [options]
       REDRIVE_TOKEN=<token> npm run redrive -- --url https://... [options]

  --topic <${topics.join('|')}>
  --type <type>             only messages about this, e.g. payment.capture
  --code <code>             only messages whose last error has this code
  --entity <id>             only messages that this entity caused
  --since <90s|30m|1h|2d>   only messages that died within this time
  --dry-run                 says what a run would do and changes nothing
  --start-with <n>          messages of the first step (${limits.startWithDefault})
  --factor <n>              each step has so many times as many (${limits.factorDefault})
  --max-failures <0..1>     stops where a larger share of a step dies again (${limits.stopAtFailureShareDefault})
  --note <text>             why; it is kept with the run
  --run <id>                begins nothing, and watches this run

The backend carries the run on, whether or not this command is there to watch it. It ends with 0 where every message
is done.`;

export const flags = {
  tenant: { type: 'string', default: '' },
  url: { type: 'string', default: `http://localhost:${process.env['PORT'] ?? '3000'}` },
  topic: { type: 'string' },
  type: { type: 'string' },
  code: { type: 'string' },
  entity: { type: 'string' },
  since: { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  'start-with': { type: 'string' },
  factor: { type: 'string' },
  'max-failures': { type: 'string' },
  note: { type: 'string' },
  run: { type: 'string' },
} as const;

/**
 * @param now epoch milliseconds
 * @throws UsageError
 */
export function redriveOptions(values: ValuesOf<typeof flags>, now: number): RedriveOptions {
  const { tenant, url, run, topic, type, code, entity, since, note } = values;
  if (!URL.canParse(url)) throw new UsageError(`--url ${url} is no URL`);
  if (topic !== undefined && !topics.some((name) => name === topic))
    throw new UsageError(`--topic is one of ${topics.join(', ')}`);
  const from = since === undefined ? undefined : new Date(now - durationMs(since)).toISOString();
  const match = { topic, type, code, entity, since: from };
  const number = (
    flag: 'start-with' | 'factor' | 'max-failures',
    name: string,
    minimum: number,
    maximum: number,
  ): Readonly<Record<string, number>> => {
    const text = values[flag];
    return text === undefined ? {} : { [name]: numberWithin(flag, text, minimum, maximum) };
  };
  return {
    url: new URL(url).href.replace(/\/$/, ''),
    tenant,
    ...(run !== undefined && { run }),
    body: {
      match: Object.fromEntries(
        Object.entries(match).filter((entry): entry is [string, string] => entry[1] !== undefined),
      ),
      dryRun: values['dry-run'],
      ...number('start-with', 'startWith', 1, limits.stepMax),
      ...number('factor', 'factor', 1, limits.factorMax),
      ...number('max-failures', 'stopAtFailureShare', 0, 1),
      ...(note !== undefined && { note }),
    },
  };
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

function durationMs(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count === undefined) throw new UsageError('--since is a number and a unit, like 90s, 30m, 1h or 2d');
  return Number(count) * unitMs[unit as keyof typeof unitMs];
}
