/** Runs cases on a workbench: what is recorded of each is its plan. */
import { randomInt } from 'node:crypto';
import { messageId } from '../../../functions/store/outbox/message-items.ts';
import { readMessage } from '../../../functions/store/outbox/messages.ts';
import { events } from './events.ts';
import { databaseTime } from './plan.ts';
import type { Plan } from './plan.ts';
import { stepOfCase } from './request-case.ts';
import type { Case, Step, WrittenStep } from './request-case.ts';
import { tenant as commonTenant } from './workbench.ts';
import type { Reply, Request, Workbench } from './workbench.ts';

/** A step after everything it needs was made. */
interface Work {
  /** The request as it is sent, for warnings about what it names. */
  readonly sent: string;
  /** @returns the answer; of an event, whose status is 0 */
  readonly send: () => Promise<Reply>;
}

/** A case, measured several times. */
export interface Measured {
  readonly plan: Plan;
  /** All runs; the plan is the one whose time is in the middle. */
  readonly runs: readonly Plan[];
}

let tenantNumber = randomInt(10_000_000, 90_000_000);
/** One nobody has, of the same length every time; not even on the service's tables, from an earlier time. */
const newTenant = (): string => `t${(tenantNumber += 1)}`;

type Saved = Map<string, Reply['json']>;

/** Sends steps for one tenant, and keeps what they saved for those after them. */
export class Run {
  readonly #bench: Workbench;
  readonly #tenant: string;
  readonly #saved: Saved;

  /** @param saved of the runs before it */
  constructor(bench: Workbench, tenant: string, saved: Saved = new Map()) {
    this.#bench = bench;
    this.#tenant = tenant;
    this.#saved = saved;
  }

  /** @throws where a step that only prepares is refused */
  async prepare(steps: readonly WrittenStep[]): Promise<void> {
    for (const written of steps) {
      const step = typeof written === 'string' ? { request: written } : written;
      const { as, once = false }: Step = step;
      if (once && this.#saved.has(as ?? 'id')) continue;
      const { sent, send } = await this.work(step);
      const { status, json } = await send();
      if (status >= 300) throw new Error(`${sent} was answered ${status}: ${JSON.stringify(json)}`);
      if (as !== undefined || status === 201) this.#saved.set(as ?? 'id', json);
    }
  }

  async work({ request, body, headers = {}, subject }: Step): Promise<Work> {
    const [method = '', ...words] = (await this.#fill(request)).split(' ');
    const event = events[method];
    if (event) {
      const happen = await event(this.#bench, this.#tenant, ...words);
      return { sent: '', send: () => happen().then(() => ({ status: 0, json: {} })) };
    }
    const filled = JSON.parse(await this.#fill(JSON.stringify({ body, headers }))) as Partial<Request>;
    const [path = ''] = words;
    const sent = { method, path, tenant: this.#tenant, ...filled, ...(subject !== undefined && { subject }) };
    return { sent: JSON.stringify(sent), send: () => this.#bench.send(sent) };
  }

  async #fill(text: string): Promise<string> {
    let filled = text;
    for (const [whole, name = '', field = 'id'] of text.matchAll(/\{([a-z]\w*)(?:\.(\w+))?\}/gi)) {
      filled = filled.replace(whole, await this.#value(name, field));
    }
    return filled;
  }

  async #value(name: string, field: string): Promise<string> {
    const found = this.#saved.get(name);
    if (!found) throw new Error(`"{${name}}" was not saved by an earlier step`);
    return field === 'secret' ? this.#secret(String(found['id'])) : String(found[field]);
  }

  /** What the server draws, 128 bits as base64url, stands in the message that was sent when the entity was created. */
  async #secret(entity: string): Promise<string> {
    const id = messageId(entity, 1, 0);
    const message = await readMessage(this.#bench.outbox, { tenant: this.#tenant, id });
    const [secret] = /(?<![\w-])[\w-]{22}(?![\w-])/.exec(message?.payload ?? '') ?? [];
    if (secret === undefined) throw new Error(`no secret of ${entity} stands in its first message`);
    return secret;
  }
}

/** @yields the work of each run of a case, after what it needs was prepared */
async function* runsOf(bench: Workbench, one: Case, times: number): AsyncGenerator<Work> {
  const saved: Saved = new Map();
  for (let time = 0; time < times; time += 1) {
    bench.clock.ahead = 0;
    const run = new Run(bench, one.isApart === true ? newTenant() : commonTenant, saved);
    await run.prepare(one.before ?? []);
    yield await run.work(stepOfCase(one));
  }
  bench.clock.ahead = 0;
}

/** Measures a case `times` times, each on what its own steps prepared. */
export async function measure(bench: Workbench, one: Case, times: number): Promise<Measured> {
  const runs: Plan[] = [];
  for await (const work of runsOf(bench, one, times)) runs.push(await bench.recorder.record(one.name, work));
  const sorted = runs.toSorted((a, b) => databaseTime(a) - databaseTime(b));
  const plan = sorted[Math.floor(sorted.length / 2)];
  if (!plan) throw new Error('a case is measured at least once');
  return { plan, runs };
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

/**
 * Milliseconds of CPU time that one run takes, on average. All are prepared before, since what lies between two runs
 * would be counted with them.
 */
export async function cpuTime(bench: Workbench, one: Case, times: number): Promise<number> {
  const prepared: Work['send'][] = [];
  for await (const { send } of runsOf(bench, one, times)) {
    const { ahead } = bench.clock;
    prepared.push(() => {
      bench.clock.ahead = ahead;
      return send();
    });
  }
  const begun = process.cpuUsage();
  for (const send of prepared) await send();
  const { user, system } = process.cpuUsage(begun);
  bench.clock.ahead = 0;
  return (user + system) / 1000 / times;
}

/** Lists first: what other cases create would lie on top of what was seeded. */
export function inOrder(all: readonly Case[]): readonly Case[] {
  const isList = ({ name, before }: Case): boolean => !name.startsWith('POST') && before === undefined;
  return [...all.filter(isList), ...all.filter((one) => !isList(one))];
}
