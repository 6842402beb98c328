/** Runs cases on a workbench and turns what was recorded into plans. */
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { fingerprint } from '../../../functions/core/rules.ts';
import { entityKey } from '../../../functions/store/keys.ts';
import { messageId, messageKey } from '../../../functions/store/outbox/message-items.ts';
import { answerMessage } from './answer-step.ts';
import { databaseTime, planOf } from './plan.ts';
import type { Plan } from './plan.ts';
import type { RequestCase, Step } from './request-case.ts';
import { tenant as commonTenant } from './workbench.ts';
import type { Reply, Request, Workbench } from './workbench.ts';

/** What is measured: done once, after everything it needs was made. */
type Work = () => Promise<unknown>;

/** Work that no request asks for. */
export interface JobCase {
  readonly name: string;
  readonly before?: readonly Step[];
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

/** One run of a case: who sends its requests, and what its steps saved. */
export class Run {
  readonly bench: Workbench;
  readonly tenant: string;
  readonly #replies: Map<string, Reply['json']>;

  /** @param shared what the steps that are sent once have saved */
  constructor(bench: Workbench, tenant = commonTenant, shared = new Map<string, Reply['json']>()) {
    this.bench = bench;
    this.tenant = tenant;
    this.#replies = shared;
  }

  /** The id of what a step saved. */
  id(name: string): string {
    return String(this.#saved(name)['id']);
  }

  /** @throws where a step that only prepares is refused */
  async prepare(steps: readonly Step[]): Promise<this> {
    for (const step of steps) {
      if (step.once === true && step.as !== undefined && this.#replies.has(step.as)) continue;
      if (step.request.startsWith('ANSWER ')) {
        const [, outcome, entity = '', type = ''] = (await this.#fill(step.request)).split(' ');
        await answerMessage(this.bench, { tenant: this.tenant, entity, type }, outcome as 'done' | 'refused');
        continue;
      }
      const { status, json } = await this.bench.send(await this.request(step));
      if (status >= 300) throw new Error(`${step.request} was answered ${status}: ${JSON.stringify(json)}`);
      if (step.as !== undefined) this.#replies.set(step.as, json);
    }
    return this;
  }

  /** A run after this one, that knows what these steps saved. */
  next(steps: readonly Step[], tenant: string): Run {
    const names = new Set(steps.filter(({ once }) => once === true).map(({ as }) => as));
    return new Run(this.bench, tenant, new Map([...this.#replies].filter(([name]) => names.has(name))));
  }

  /** A step's request, with its placeholders filled in. */
  async request({ request, body, headers = {}, subject }: Step): Promise<Request> {
    const filled = JSON.parse(await this.#fill(JSON.stringify({ request, body, headers }))) as Pick<
      Request,
      'body'
    > & { request: string; headers: Record<string, string> };
    const [method = '', path = ''] = filled.request.split(' ');
    return {
      method,
      path,
      tenant: this.tenant,
      body: filled.body,
      headers: filled.headers,
      ...(subject !== undefined && { subject }),
    };
  }

  async #fill(text: string): Promise<string> {
    let filled = text;
    for (const [whole, name = '', field = 'id'] of text.matchAll(/\{([a-z]\w*)(?:\.(\w+))?\}/gi)) {
      filled = filled.replace(whole, name === 'unique' ? uniqueValue() : await this.#value(name, field));
    }
    return filled;
  }

  async #value(name: string, field: string): Promise<string> {
    return field === 'secret' ? this.#secret(this.id(name)) : String(this.#saved(name)[field]);
  }

  #saved(name: string): Reply['json'] {
    const found = this.#replies.get(name);
    if (!found) throw new Error(`"{${name}}" was not saved by an earlier step`);
    return found;
  }

  /** A secret stands in the message that was sent when its entity was created; the entity keeps its fingerprint. */
  async #secret(entity: string): Promise<string> {
    const { client, tables } = this.bench.backend.store;
    const get = async (TableName: string, Key: object | undefined): Promise<Record<string, unknown>> =>
      (await client.send(new GetCommand({ TableName, Key: { ...Key } }))).Item ?? {};
    const stored = JSON.stringify(await get(tables.data, entityKey(this.tenant, entity)));
    const message = messageKey({ tenant: this.tenant, id: messageId(entity, 1, 0) });
    const words = String((await get(tables.outbox, message))['payload']).split(/[\s"]+/);
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
  const { before = [] } = one;
  const isApart = 'isApart' in one && one.isApart === true;
  let run = new Run(bench);
  for (let time = 0; time < times; time += 1) {
    run = await run.next(before, isApart ? uniqueValue() : commonTenant).prepare(before);
    if ('job' in one) {
      yield { work: await one.job(run), sent: '' };
    } else {
      const request = await run.request(one.request);
      yield { work: () => bench.send(request), sent: JSON.stringify(request) };
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
export const inOrder = (all: readonly Case[]): readonly Case[] =>
  all.toSorted((a, b) => Number(preparesSomething(a)) - Number(preparesSomething(b)));

const preparesSomething = ({ name, before }: Case): boolean =>
  name.startsWith('POST') || before !== undefined;
