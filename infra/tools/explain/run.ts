/** Runs cases on a workbench and turns what was recorded into plans. */
import type { RequestCase, Step } from './request-case.ts';
import type { JobCase } from './jobs.ts';
import { planOf } from './plan.ts';
import type { Plan } from './plan.ts';
import { createSaved } from './saved.ts';
import type { Saved } from './saved.ts';
import type { Request, Workbench } from './workbench.ts';

export type Case = RequestCase | JobCase;

/** A case, measured several times. */
export interface Measured {
  readonly plan: Plan;
  /** All runs; the plan is the one whose time is in the middle. */
  readonly runs: readonly Plan[];
  /** The request as it was sent, for warnings about what it named. */
  readonly sent: string;
}

const isApart = (one: Case): boolean => 'isApart' in one && one.isApart;

async function request(step: Step, saved: Saved): Promise<Request> {
  const [method = '', path = ''] = (await saved.fill(step.request)).split(' ');
  const headers = Object.entries(step.headers ?? {});
  return {
    method,
    path,
    tenant: saved.tenant,
    ...(step.body !== undefined && {
      body: JSON.parse(await saved.fill(JSON.stringify(step.body))) as unknown,
    }),
    ...(step.subject !== undefined && { subject: step.subject }),
    headers: Object.fromEntries(
      await Promise.all(headers.map(async ([name, value]) => [name, await saved.fill(value)] as const)),
    ),
  };
}

/** @throws where a step that only prepares is refused */
async function prepare(bench: Workbench, steps: readonly Step[], saved: Saved): Promise<void> {
  for (const step of steps) {
    const reply = await bench.send(await request(step, saved));
    if (reply.status >= 300) {
      throw new Error(`${step.request} was answered ${reply.status}: ${JSON.stringify(reply.json)}`);
    }
    if (step.as !== undefined) saved.keep(step.as, reply);
  }
}

async function arrange(bench: Workbench, one: Case, saved: Saved): Promise<void> {
  await prepare(bench, one.before ?? [], saved);
  if ('arrange' in one) await one.arrange(bench, saved);
  bench.recorder.take();
}

/** Measures a case `times` times, each on what its own steps prepared. */
export async function measure(bench: Workbench, one: Case, times: number): Promise<Measured> {
  const shared = createSaved(bench, isApart(one));
  if ('shared' in one) await prepare(bench, one.shared, shared);
  const runs: Plan[] = [];
  let sent = '';
  for (let time = 0; time < times; time += 1) {
    const saved = createSaved(bench, isApart(one), shared.replies);
    await arrange(bench, one, saved);
    const begun = performance.now();
    let status = 0;
    if ('request' in one) {
      const concrete = await request(one.request, saved);
      sent = JSON.stringify(concrete);
      ({ status } = await bench.send(concrete));
    } else {
      await one.run(bench, saved);
    }
    const milliseconds = performance.now() - begun;
    const { schemas, recorder } = bench;
    const context = { name: one.name, status, milliseconds, schemas, tableOf: recorder.tableOf };
    runs.push(planOf(recorder.take(), context));
  }
  const sorted = [...runs].sort((a, b) => databaseTime(a) - databaseTime(b));
  const plan = sorted[Math.floor(sorted.length / 2)];
  if (!plan) throw new Error('a case is measured at least once');
  return { plan, runs, sent };
}

/** Milliseconds of CPU time that one run takes, on average; what it needs is prepared before. */
export async function cpuTime(bench: Workbench, one: Case, times: number): Promise<number> {
  const shared = createSaved(bench, isApart(one));
  if ('shared' in one) await prepare(bench, one.shared, shared);
  const prepared: (() => Promise<unknown>)[] = [];
  for (let time = 0; time < times; time += 1) {
    const saved = createSaved(bench, isApart(one), shared.replies);
    await arrange(bench, one, saved);
    if ('request' in one) {
      const concrete = await request(one.request, saved);
      prepared.push(() => bench.send(concrete));
    } else {
      prepared.push(() => one.run(bench, saved));
    }
  }
  const begun = process.cpuUsage();
  for (const run of prepared) await run();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000 / times;
}

/** What the caller waited for the database: of calls that overlap the longest. */
export function databaseTime({ calls }: Plan): number {
  const steps = new Map<number, number>();
  for (const { step, milliseconds } of calls) steps.set(step, Math.max(steps.get(step) ?? 0, milliseconds));
  return [...steps.values()].reduce((sum, of) => sum + of, 0);
}

/** Lists first: what other cases create would lie on top of what was seeded. */
export const inOrder = (all: readonly Case[]): readonly Case[] =>
  all.toSorted((a, b) => Number(preparesSomething(a)) - Number(preparesSomething(b)));

const preparesSomething = (one: Case): boolean =>
  one.name.startsWith('POST') || one.before !== undefined || 'shared' in one;
