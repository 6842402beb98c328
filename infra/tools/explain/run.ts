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

/** A step after everything it needs was made. An event is answered by nobody: its status is 0. */
interface Work {
  /** The request as it is sent, for warnings about what it names. */
  readonly sent: string;
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

/**
 * Sends steps for one tenant, and keeps what they saved for those after them.
 * @param saved of the runs before it
 */
export function createRun(bench: Workbench, tenant: string, saved: Saved = new Map()) {
  /** What the server draws, 128 bits as base64url, stands in the message that was sent when the entity was created. */
  async function secretOf(entity: string): Promise<string> {
    const message = await readMessage(bench.outbox, { tenant, id: messageId(entity, 1, 0) });
    const [secret] = /(?<![\w-])[\w-]{22}(?![\w-])/.exec(message?.payload ?? '') ?? [];
    if (secret === undefined) throw new Error(`no secret of ${entity} stands in its first message`);
    return secret;
  }

  async function filled(text: string): Promise<string> {
    let result = text;
    for (const [whole, name = '', field = 'id'] of text.matchAll(/\{([a-z]\w*)(?:\.(\w+))?\}/gi)) {
      const found = saved.get(name);
      if (!found) throw new Error(`"${name}" was not saved by an earlier step`);
      const value = field === 'secret' ? await secretOf(String(found['id'])) : String(found[field]);
      result = result.replace(whole, value);
    }
    return result;
  }

  async function workOf({ request, body, headers, subject }: Step): Promise<Work> {
    const text = await filled(JSON.stringify({ request, body, headers, subject }));
    const { request: line, ...rest } = JSON.parse(text) as Pick<Step, 'request'> & Partial<Request>;
    const [method = '', path = '', ...words] = line.split(' ');
    const event = events[method];
    if (event) {
      const happen = await event(bench, tenant, path, ...words);
      return { sent: '', send: () => happen().then(() => ({ status: 0, json: {} })) };
    }
    const sent = { method, path, tenant, ...rest };
    return { sent: JSON.stringify(sent), send: () => bench.send(sent) };
  }

  /** @throws where a step that only prepares is refused */
  async function prepare(steps: readonly WrittenStep[]): Promise<void> {
    for (const written of steps) {
      const step: Step = typeof written === 'string' ? { request: written } : written;
      const { as, once = false } = step;
      if (once && saved.has(as ?? 'id')) continue;
      const { sent, send } = await workOf(step);
      const { status, json } = await send();
      if (status >= 300) throw new Error(`${sent} was answered ${status}: ${JSON.stringify(json)}`);
      if (as !== undefined || status === 201) saved.set(as ?? 'id', json);
    }
  }
  return { prepare, workOf };
}

/** @yields the work of each run of a case, after what it needs was prepared */
export async function* runsOf(bench: Workbench, one: Case, times: number): AsyncGenerator<Work> {
  const saved: Saved = new Map();
  for (let time = 0; time < times; time += 1) {
    bench.clock.ahead = 0;
    const run = createRun(bench, one.isApart === true ? newTenant() : commonTenant, saved);
    await run.prepare(one.before ?? []);
    yield await run.workOf(stepOfCase(one));
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
  onPlan?: (plan: Plan) => void,
): Promise<readonly Measured[]> {
  const measured: Measured[] = [];
  for (const one of inOrder(all)) {
    const found = await measure(bench, one, times);
    onPlan?.(found.plan);
    measured.push(found);
  }
  return measured;
}

/** Lists first: what other cases create would lie on top of what was seeded. */
export function inOrder(all: readonly Case[]): readonly Case[] {
  const isList = ({ name, before }: Case): boolean => !name.startsWith('POST') && before === undefined;
  return [...all.filter(isList), ...all.filter((one) => !isList(one))];
}
