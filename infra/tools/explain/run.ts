/** Runs cases on a workbench and turns what was recorded into plans. */
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { fingerprint } from '../../../functions/core/rules.ts';
import { entityKey } from '../../../functions/store/keys.ts';
import { messageId } from '../../../functions/store/outbox/message-items.ts';
import { readMessage } from '../../../functions/store/outbox/messages.ts';
import { answerMessage } from './answer-step.ts';
import { passDeadline } from './deadline-step.ts';
import { databaseTime, planOf } from './plan.ts';
import type { Plan } from './plan.ts';
import type { RequestCase, Step } from './request-case.ts';
import { tenant as commonTenant } from './workbench.ts';
import type { Reply, Request, Workbench } from './workbench.ts';

/** What is measured: done once, after everything it needs was made. */
export type Work = () => Promise<unknown>;

/** Work that no request asks for. */
export interface JobCase extends Omit<RequestCase, 'request'> {
  /** Makes what no request can prepare. @returns what is measured */
  readonly job: (run: Run) => Work | Promise<Work>;
}

export type Case = RequestCase | JobCase;

/** A case, measured several times. */
export interface Measured {
  readonly plan: Plan;
  /** All runs; the plan is the one whose time is in the middle. */
  readonly runs: readonly Plan[];
  /** The request as it was sent, for warnings about what it named. */
  readonly sent: string;
}

let uniqueNumber = 10_000_000;
/** A value nobody has, of the same length every time. */
const uniqueValue = (): string => `u${(uniqueNumber += 1)}`;

type Saved = Map<string, Reply['json']>;

/** One run of a case: who sends its requests, and what its steps saved. */
export class Run {
  readonly bench: Workbench;
  readonly tenant: string;
  readonly #saved: Saved = new Map();
  /** By the steps that are sent once, for all runs. */
  readonly #shared: Saved;
  /** By which this run is later than the workbench's moment. */
  #laterMs = 0;

  constructor(bench: Workbench, tenant = commonTenant, shared: Saved = new Map()) {
    this.bench = bench;
    this.tenant = tenant;
    this.#shared = shared;
  }

  /** The id of what a step saved. */
  id(name: string): string {
    return String(this.#field(name, 'id'));
  }

  /** @throws where a step that only prepares is refused */
  async prepare(steps: readonly Step[]): Promise<this> {
    for (const step of steps) {
      const { as = '', once = false } = step;
      if (once && this.#shared.has(as)) continue;
      const saved = await this.atItsTime(() => this.#taken(step));
      if (saved) (once ? this.#shared : this.#saved).set(as, saved);
    }
    return this;
  }

  /** Does something later than the workbench's moment, by the deadlines of this run that have passed. */
  async atItsTime<T>(work: () => T | Promise<T>): Promise<T> {
    const { clock } = this.bench;
    const laterMs = this.#laterMs;
    clock.advance(laterMs);
    try {
      return await work();
    } finally {
      clock.advance(-laterMs);
    }
  }

  /** @returns what a request was answered */
  async #taken(step: Step): Promise<Reply['json'] | undefined> {
    const { bench, tenant } = this;
    const [word, what = '', entity = '', type = ''] = (await this.#fill(step.request)).split(' ');
    if (word === 'ANSWER') {
      await answerMessage(bench, { tenant, entity, type }, what as 'done' | 'refused');
      return undefined;
    }
    if (word === 'DEADLINE') {
      this.#laterMs += await passDeadline(bench, { tenant, entity, transition: what });
      return undefined;
    }
    const { status, json } = await bench.send(await this.request(step));
    if (status >= 300) throw new Error(`${step.request} was answered ${status}: ${JSON.stringify(json)}`);
    return json;
  }

  /** A step's request, with its placeholders filled in. */
  async request({ request, body, headers = {}, subject }: Step): Promise<Request> {
    const [method = '', path = ''] = (await this.#fill(request)).split(' ');
    const sent = JSON.parse(await this.#fill(JSON.stringify({ body, headers }))) as Partial<Request>;
    return { method, path, tenant: this.tenant, ...sent, ...(subject !== undefined && { subject }) };
  }

  async #fill(text: string): Promise<string> {
    let filled = text;
    for (const [whole, name = '', field = 'id'] of text.matchAll(/\{([a-z]\w*)(?:\.(\w+))?\}/gi)) {
      filled = filled.replace(whole, name === 'unique' ? uniqueValue() : await this.#value(name, field));
    }
    return filled;
  }

  async #value(name: string, field: string): Promise<string> {
    return field === 'secret' ? this.#secret(this.id(name)) : String(this.#field(name, field));
  }

  #field(name: string, field: string): unknown {
    const found = this.#saved.get(name) ?? this.#shared.get(name);
    if (!found) throw new Error(`"{${name}}" was not saved by an earlier step`);
    return found[field];
  }

  /** A secret stands in the message that was sent when its entity was created; the entity keeps its fingerprint. */
  async #secret(entity: string): Promise<string> {
    const { outbox, probe, tables } = this.bench;
    const get = new GetCommand({ TableName: tables.data, Key: { ...entityKey(this.tenant, entity) } });
    const stored = JSON.stringify((await probe.send(get)).Item);
    const message = await readMessage(outbox, { tenant: this.tenant, id: messageId(entity, 1, 0) });
    const words = message?.payload?.split(/[\s"]+/) ?? [];
    const secret = words.find((word) => stored.includes(fingerprint(word)));
    if (secret === undefined) throw new Error(`no secret of ${entity} stands in its first message`);
    return secret;
  }
}

/** Makes what `times` runs of a case need, one after the other. @yields the work of each, to be done before the next */
async function* runsOf(
  bench: Workbench,
  one: Case,
  times: number,
): AsyncGenerator<{ readonly work: Work; readonly sent: string }> {
  const { before = [], isApart = false } = one;
  const shared: Saved = new Map();
  for (let time = 0; time < times; time += 1) {
    const run = await new Run(bench, isApart ? uniqueValue() : commonTenant, shared).prepare(before);
    if ('job' in one) {
      const work = await run.atItsTime(() => one.job(run));
      yield { work: () => run.atItsTime(work), sent: '' };
    } else {
      const request = await run.request(one.request);
      yield { work: () => run.atItsTime(() => bench.send(request)), sent: JSON.stringify(request) };
    }
  }
}

/** Measures a case `times` times, each on what its own steps prepared. */
export async function measure(bench: Workbench, one: Case, times: number): Promise<Measured> {
  const runs: Plan[] = [];
  let lastSent = '';
  for await (const { work, sent } of runsOf(bench, one, times)) {
    lastSent = sent;
    const begun = performance.now();
    const { result, calls } = await bench.recorder.record(work);
    const milliseconds = performance.now() - begun;
    const { status = 0 } = (result ?? {}) as Partial<Reply>;
    runs.push(planOf(calls, { name: one.name, status, milliseconds }));
  }
  const sorted = runs.toSorted((a, b) => databaseTime(a) - databaseTime(b));
  const plan = sorted[Math.floor(sorted.length / 2)];
  if (!plan) throw new Error('a case is measured at least once');
  return { plan, runs, sent: lastSent };
}

/** Milliseconds of CPU time that one run takes, on average; what it needs is prepared before. */
export async function cpuTime(bench: Workbench, one: Case, times: number): Promise<number> {
  const prepared: Work[] = [];
  for await (const { work } of runsOf(bench, one, times)) prepared.push(work);
  const begun = process.cpuUsage();
  for (const work of prepared) await work();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000 / times;
}

/** Lists first: what other cases create would lie on top of what was seeded. */
export function inOrder(all: readonly Case[]): readonly Case[] {
  const isList = ({ name, before }: Case): boolean => !name.startsWith('POST') && before === undefined;
  return [...all.filter(isList), ...all.filter((one) => !isList(one))];
}
