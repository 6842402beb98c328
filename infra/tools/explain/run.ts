/** Runs cases on a workbench and turns what was recorded into plans. */
import { randomInt } from 'node:crypto';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { fingerprint } from '../../../functions/core/rules.ts';
import { entityKey } from '../../../functions/store/keys.ts';
import { messageId } from '../../../functions/store/outbox/message-items.ts';
import { readMessage } from '../../../functions/store/outbox/messages.ts';
import { events } from './events.ts';
import { databaseTime, planOf } from './plan.ts';
import type { Plan } from './plan.ts';
import type { Case, Step } from './request-case.ts';
import { tenant as commonTenant } from './workbench.ts';
import type { Reply, Request, Workbench } from './workbench.ts';

/** A step after everything it needs was made. */
export interface Work {
  /** The step as it is sent, for warnings about what it names. */
  readonly sent: string;
  /** Sends it at the time of its run. @returns the answer; of an event, whose status is 0 */
  readonly send: () => Promise<Reply>;
}

/** A case, measured several times. */
export interface Measured extends Pick<Work, 'sent'> {
  readonly plan: Plan;
  /** All runs; the plan is the one whose time is in the middle. */
  readonly runs: readonly Plan[];
}

let uniqueNumber = randomInt(10_000_000, 90_000_000);
/** A value nobody has, of the same length every time; not even on the service's tables, from an earlier time. */
const uniqueValue = (): string => `u${(uniqueNumber += 1)}`;

type Saved = Map<string, Reply['json']>;

/** One run of a case: who sends its steps, and what they saved. */
export class Run {
  readonly #bench: Workbench;
  readonly #tenant: string;
  readonly #saved: Saved = new Map();
  /** By the steps that are sent once, for all runs. */
  readonly #shared: Saved;

  constructor(bench: Workbench, tenant = commonTenant, shared: Saved = new Map()) {
    this.#bench = bench;
    this.#tenant = tenant;
    this.#shared = shared;
  }

  /** @throws where a step that only prepares is refused */
  async prepare(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      const { as = '', once = false } = step;
      if (once && this.#shared.has(as)) continue;
      const { sent, send } = await this.work(step);
      const { status, json } = await send();
      if (status >= 300) throw new Error(`${sent} was answered ${status}: ${JSON.stringify(json)}`);
      (once ? this.#shared : this.#saved).set(as, json);
    }
  }

  async work({ request, body, headers = {}, subject }: Step): Promise<Work> {
    const [method = '', ...words] = (await this.#fill(request)).split(' ');
    const event = events[method];
    if (event) {
      const happen = await event(this.#bench, this.#tenant, ...words);
      return this.#atItsTime('', () => happen().then(() => ({ status: 0, json: {} })));
    }
    const filled = JSON.parse(await this.#fill(JSON.stringify({ body, headers }))) as Partial<Request>;
    const [path = ''] = words;
    const sent = { method, path, tenant: this.#tenant, ...filled, ...(subject !== undefined && { subject }) };
    return this.#atItsTime(JSON.stringify(sent), () => this.#bench.send(sent));
  }

  /** Other runs may be prepared before it is sent. */
  #atItsTime(sent: string, send: Work['send']): Work {
    const { clock } = this.#bench;
    const { ahead } = clock;
    const atItsTime = (): Promise<Reply> => {
      clock.ahead = ahead;
      return send();
    };
    return { sent, send: atItsTime };
  }

  async #fill(text: string): Promise<string> {
    let filled = text;
    for (const [whole, name = '', field = 'id'] of text.matchAll(/\{([a-z]\w*)(?:\.(\w+))?\}/gi)) {
      filled = filled.replace(whole, name === 'unique' ? uniqueValue() : await this.#value(name, field));
    }
    return filled;
  }

  async #value(name: string, field: string): Promise<string> {
    const found = this.#saved.get(name) ?? this.#shared.get(name);
    if (!found) throw new Error(`"{${name}}" was not saved by an earlier step`);
    return field === 'secret' ? this.#secret(String(found['id'])) : String(found[field]);
  }

  /** A secret stands in the message that was sent when its entity was created; the entity keeps its fingerprint. */
  async #secret(entity: string): Promise<string> {
    const { outbox, probe, tables } = this.#bench;
    const get = new GetCommand({ TableName: tables.data, Key: { ...entityKey(this.#tenant, entity) } });
    const stored = JSON.stringify((await probe.send(get)).Item);
    const message = await readMessage(outbox, { tenant: this.#tenant, id: messageId(entity, 1, 0) });
    const words = message?.payload?.split(/[\s"]+/) ?? [];
    const secret = words.find((word) => stored.includes(fingerprint(word)));
    if (secret === undefined) throw new Error(`no secret of ${entity} stands in its first message`);
    return secret;
  }
}

/** Makes what `times` runs of a case need, one after the other. @yields the work of each, to be done before the next */
async function* runsOf(bench: Workbench, one: Case, times: number): AsyncGenerator<Work> {
  const shared: Saved = new Map();
  for (let time = 0; time < times; time += 1) {
    bench.clock.ahead = 0;
    const run = new Run(bench, one.isApart === true ? uniqueValue() : commonTenant, shared);
    await run.prepare(one.before ?? []);
    yield await run.work(one);
  }
  bench.clock.ahead = 0;
}

/** Measures a case `times` times, each on what its own steps prepared. */
export async function measure(bench: Workbench, one: Case, times: number): Promise<Measured> {
  const runs: Plan[] = [];
  let lastSent = '';
  for await (const { sent, send } of runsOf(bench, one, times)) {
    lastSent = sent;
    const begun = performance.now();
    const { result, calls } = await bench.recorder.record(send);
    const milliseconds = performance.now() - begun;
    runs.push(planOf(calls, { name: one.name, status: result.status, milliseconds }));
  }
  const sorted = runs.toSorted((a, b) => databaseTime(a) - databaseTime(b));
  const plan = sorted[Math.floor(sorted.length / 2)];
  if (!plan) throw new Error('a case is measured at least once');
  return { plan, runs, sent: lastSent };
}

/** @param onPlan told of each plan */
export async function measureAll(
  bench: Workbench,
  all: readonly Case[],
  times: number,
  onPlan: (plan: Plan) => void = () => undefined,
): Promise<readonly Measured[]> {
  const measured: Measured[] = [];
  for (const one of inOrder(all)) {
    const found = await measure(bench, one, times);
    onPlan(found.plan);
    measured.push(found);
  }
  return measured;
}

/** Milliseconds of CPU time that one run takes, on average; what it needs is prepared before. */
export async function cpuTime(bench: Workbench, one: Case, times: number): Promise<number> {
  const prepared: Work[] = [];
  for await (const work of runsOf(bench, one, times)) prepared.push(work);
  const begun = process.cpuUsage();
  for (const { send } of prepared) await send();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000 / times;
}

/** Lists first: what other cases create would lie on top of what was seeded. */
export function inOrder(all: readonly Case[]): readonly Case[] {
  const isList = ({ name, before }: Case): boolean => !name.startsWith('POST') && before === undefined;
  return [...all.filter(isList), ...all.filter((one) => !isList(one))];
}
