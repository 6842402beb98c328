/** Callers who send commands one after the other, and what they saw. */
import pMap from 'p-map';

export interface Command {
  readonly path: string;
  readonly body?: unknown;
  readonly key: string;
}

export interface Answer {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
}

export type Send = (command: Command) => Promise<Answer>;

export interface Load {
  readonly count: number;
  readonly callers: number;
  readonly command: (index: number) => Command;
}

export interface Round {
  readonly perSecond: number;
  readonly seconds: number;
  /** Milliseconds until the answer. */
  readonly p50: number;
  readonly p95: number;
  /** Milliseconds of this process a command. */
  readonly cpuMs: number;
  /** How often each status came. */
  readonly answers: Readonly<Record<string, number>>;
  readonly ids: readonly string[];
}

export async function run(send: Send, { count, callers, command }: Load): Promise<Round> {
  const commands = Array.from({ length: count }, (_, index) => command(index));
  const answers: Record<string, number> = {};
  const took: number[] = [];
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  const ids = await pMap(
    commands,
    async (each) => {
      const sent = performance.now();
      const { status, json } = await send(each);
      took.push(performance.now() - sent);
      answers[status] = (answers[status] ?? 0) + 1;
      return String(json['id']);
    },
    { concurrency: callers },
  );
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  took.sort((a, b) => a - b);
  const share = (part: number): number => took[Math.floor(part * took.length)] ?? Number.NaN;
  return {
    perSecond: count / seconds,
    seconds,
    p50: share(0.5),
    p95: share(0.95),
    cpuMs: (user + system) / 1_000 / count,
    answers,
    ids,
  };
}

/** Of an even number of values, the lower of the two in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}
