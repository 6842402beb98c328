/** Brings about one command case under a plan of faults, then repeats its key until it has its answer. */
import { randomUUID } from 'node:crypto';
import type { Reply } from '../backend.ts';
import { Injector } from './fault-client.ts';
import type { Plan } from './fault-client.ts';
import type { CommandCase, Ready } from './commands.ts';
import { isFinal } from './observed.ts';
import type { Lab, Process } from './lab.ts';

/** More than any plan has faults. */
const triesMax = 8;

export interface Run {
  /** Names the case for the message of a failure. */
  readonly what: string;
  readonly tenant: string;
  readonly by: Ready['is'];
  /** Status and code at the end: of the reply, or what the timer said. */
  readonly end: string;
  readonly tries: number;
  readonly injector: Injector;
}

export interface RunOptions {
  readonly what: string;
  readonly plan?: Plan;
  readonly sdkRetries?: boolean;
  /** Looks at what the client of the process sends. */
  readonly watch?: (client: unknown) => void;
}

/** Runs a case in a tenant of its own. Whoever dies is followed by a new process. */
export async function runCase(lab: Lab, command: CommandCase, options: RunOptions): Promise<Run> {
  const { what, plan = () => undefined, sdkRetries = true, watch } = options;
  const tenant = randomUUID();
  const ready = await command.prepare(lab.walk(tenant));
  const injector = new Injector(plan);
  const now = ready.is === 'timer' ? ready.timer.dueAt - Date.now() : 0;
  const clock = { now: () => (now === 0 ? lab.clock.now() : Date.now() + now) };
  const start = (): Promise<Process> => lab.start({ injector, sdkRetries, clock, ...(watch && { watch }) });
  let process = await start();
  let tries = 0;
  let end: string | undefined;
  while (end === undefined && tries < triesMax) {
    tries += 1;
    end = await once(lab, process, ready);
    if (end !== 'died') continue;
    process.stop();
    process = await start();
    end = undefined;
  }
  process.stop();
  // Whoever asks once more, of a process that remembers nothing, hears the same.
  const other = ready.is === 'timer' ? await lab.start({ clock }) : await lab.witness();
  const again = await once(lab, other, ready);
  return {
    what,
    tenant,
    by: ready.is,
    end: end !== undefined && again === end ? end : `${end ?? 'nothing'}, then ${again ?? 'nothing'}`,
    tries,
    injector,
  };
}

/** @returns the end, `died`, or `undefined` where it has to be tried again */
async function once(lab: Lab, process: Process, ready: Ready): Promise<string | undefined> {
  if (ready.is === 'timer') {
    const end = await lab.due(process, ready.timer);
    return end === 'failed' || end === 'retry' ? undefined : end;
  }
  const reply = await lab.send(process, ready.request);
  if (!reply) return 'died';
  return isFinal(reply) ? endOf(reply) : undefined;
}

function endOf({ status, json }: Reply): string {
  const code = (json as Reply['json'] | undefined)?.['code'];
  return typeof code === 'string' ? `${status} ${code}` : String(status);
}
