import { randomUUID } from 'node:crypto';
import { Cron } from 'croner';
import type { Functions } from './functions.ts';
import type { LambdaFunction } from './lambda-function.ts';
import type { Log } from './log.ts';
import type { Mapping } from './sqs-mapping.ts';
import type { Resolver } from './resolver.ts';
import { resourcesOf, served, type Template } from './template.ts';

interface Target {
  readonly Arn: string;
  readonly Input?: string;
}

const unitMs: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** Starts the clocks of every enabled rule and schedule whose target is a function. */
export function startSchedules(
  template: Template,
  resolver: Resolver,
  functions: Functions,
  region: string,
  log: Log,
): Mapping {
  const running = new Set<Promise<void>>();
  const stops: (() => void)[] = [];
  const fire = (target: LambdaFunction, event: unknown): void => {
    const run = target.invoke(event).then((invocation) => {
      running.delete(run);
      if (!invocation.ok) {
        log(target.configuration.name, `scheduled run failed: ${invocation.error.errorMessage}`);
      }
    });
    running.add(run);
  };
  for (const [logicalId, { Properties }] of resourcesOf(template, served.rule)) {
    const rule = resolver.resolve(Properties) as {
      ScheduleExpression?: string;
      State?: string;
      Targets?: Target[];
    };
    if (rule.ScheduleExpression === undefined) throw new Error(`rule ${logicalId} has no schedule`);
    if (rule.State === 'DISABLED') continue;
    for (const target of rule.Targets ?? []) {
      const lambda = functions.byArn(target.Arn);
      stops.push(
        every(rule.ScheduleExpression, () => {
          fire(
            lambda,
            target.Input === undefined ? scheduledEvent(logicalId, region) : JSON.parse(target.Input),
          );
        }),
      );
    }
  }
  for (const [, { Properties }] of resourcesOf(template, served.schedule)) {
    const schedule = resolver.resolve(Properties) as {
      ScheduleExpression: string;
      State?: string;
      Target: Target;
    };
    if (schedule.State === 'DISABLED') continue;
    const lambda = functions.byArn(schedule.Target.Arn);
    stops.push(
      every(schedule.ScheduleExpression, () => {
        fire(lambda, JSON.parse(schedule.Target.Input ?? '{}'));
      }),
    );
  }
  return {
    stop: async () => {
      for (const stop of stops) stop();
      await Promise.all(running);
    },
  };
}

/**
 * Runs `fire` by a `rate(...)` or `cron(...)` expression, in UTC; a rate's first run is one period from now.
 * @returns what stops it.
 */
export function every(expression: string, fire: () => void): () => void {
  const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression);
  if (rate !== null) {
    const timer = setInterval(fire, Number(rate[1]) * (unitMs[rate[2] ?? ''] ?? 0));
    return () => {
      clearInterval(timer);
    };
  }
  const cron = /^cron\((.+)\)$/.exec(expression);
  if (cron === null) throw new Error(`the local stack does not know the schedule ${expression}`);
  const job = new Cron(toCron(cron[1] ?? ''), { timezone: 'UTC' }, fire);
  return () => {
    job.stop();
  };
}

/** AWS writes six fields, the last a year, and counts weekdays from 1 (Sunday); cron counts them from 0. */
export function toCron(fields: string): string {
  const [minute = '*', hour = '*', day = '*', month = '*', weekday = '*'] = fields.split(' ');
  const shifted = weekday.replace(/(?<![#/])\b[1-7]\b/g, (digit) => String(Number(digit) - 1));
  return [minute, hour, day, month, shifted].join(' ').replaceAll('?', '*');
}

/** What EventBridge sends to the target of a scheduled rule. */
function scheduledEvent(rule: string, region: string): object {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: '000000000000',
    time: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    region,
    resources: [`arn:aws:events:${region}:000000000000:rule/${rule}`],
    detail: {},
  };
}
