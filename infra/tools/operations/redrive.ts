/**
 * `npm run redrive -- --tenant acme --topic external-call --since 1h --code 503 --dry-run`: begins a redrive run through
 * the API of a running stack, and watches it. Without a token it signs one for the local stack.
 *
 * Exit code: 0 all done, 1 some died again or it was stopped, 2 it could not begin.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedrivePreview, RedriveView } from '../../../functions/api/redrives.ts';
import { runCommand, UsageError } from '../../local/command-line.ts';
import { readTokenKey, signToken } from '../../local/token-key.ts';
import { flags, redriveOptions, usage } from './redrive-options.ts';
import type { RedriveOptions } from './redrive-options.ts';

const lookEveryMs = 1_000;
/** Answers that did not come, in a row, before the watch is given up. The run goes on without it. */
const missedMax = 10;

type Send = (method: 'GET' | 'POST', path: string, body?: object) => Promise<unknown>;

/** @throws UsageError where nothing answers, Error where the API refuses */
function sender({ url }: RedriveOptions, token: string): Send {
  return async (method, path, body) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body && { 'content-type': 'application/json', 'idempotency-key': randomUUID() }),
      },
      ...(body && { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      const { cause } = error as Error;
      const reason = cause instanceof Error ? cause.message : String(error);
      throw new UsageError(`nothing answers at ${url} (${reason}): run npm start, or give --url`);
    });
    if (answer.ok) return answer.json();
    const { detail, run } = (await answer.json()) as { readonly detail?: string; readonly run?: string };
    throw new Error(
      `${answer.status} ${detail ?? ''}${run === undefined ? '' : ` Watch it with --run ${run}`}`,
    );
  };
}

/** @returns the exit code */
async function redrive(options: RedriveOptions): Promise<number> {
  const given = process.env['REDRIVE_TOKEN'] ?? '';
  if (given === '' && options.tenant === '') throw new UsageError('--tenant is missing');
  const token = given === '' ? await localToken(options.tenant) : given;
  const send = sender(options, token);
  try {
    if (options.run !== undefined) return await watch(send, options.run);
    if (options.body.dryRun) {
      preview((await send('POST', '/v1/redrives', options.body)) as RedrivePreview);
      return 0;
    }
    return await watch(send, ((await send('POST', '/v1/redrives', options.body)) as RedriveView).id);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
}

async function localToken(tenant: string): Promise<string> {
  const request = { tenant, subject: 'redrive', scope: 'ops', expiresIn: '12h' };
  return signToken(request, await readTokenKey());
}

/** `12`, or `12 or more` while the search goes on. */
const matchedOf = ({ matched, matchedAtLeast }: Pick<RedriveView, 'matched' | 'matchedAtLeast'>): string =>
  `${matched}${matchedAtLeast ? ' or more' : ''}`;

function preview(found: RedrivePreview): void {
  const { match, held, ramp, stopAtFailureShare } = found;
  console.log(`${matchedOf(found)} dead messages of ${JSON.stringify(match)}`);
  if (held > 0) console.log(`${held} more may have acted and are to be resolved`);
  console.log(
    `steps of ${ramp.join(', ') || 'nothing'}; stops where over ${stopAtFailureShare * 100} % die again`,
  );
}

/** Until none of its messages is on its way. @returns the exit code */
async function watch(send: Send, id: string): Promise<number> {
  console.log(`run ${id}`);
  let told = '';
  let missed = 0;
  for (;;) {
    const run = await (send('GET', `/v1/redrives/${id}`) as Promise<RedriveView>).catch((error: unknown) => {
      missed += 1;
      if (missed >= missedMax) throw error;
      return undefined;
    });
    if (run !== undefined) {
      missed = 0;
      const line = progress(run);
      if (line !== told) console.log(line);
      told = line;
      if (isOver(run)) {
        if (run.steps.length > 0) console.table(run.steps);
        return run.state === 'done' && run.deadAgain === 0 ? 0 : 1;
      }
    }
    await sleep(lookEveryMs);
  }
}

const isOver = ({ state, steps }: RedriveView): boolean =>
  state !== 'running' && steps.every(({ endedAt }) => endedAt !== undefined);

function progress(run: RedriveView): string {
  const { state, stoppedBecause, sent, done, deadAgain, waiting, skipped } = run;
  const counts = Object.entries({ done, 'dead again': deadAgain, waiting, skipped })
    .filter(([name, count]) => count > 0 || name === 'done')
    .map(([name, count]) => `${count} ${name}`);
  const end = stoppedBecause === undefined ? state : `${state} (${stoppedBecause})`;
  return `${end}: run again ${sent} of ${matchedOf(run)}: ${counts.join(', ')}`;
}

await runCommand({ usage, flags, run: (values) => redrive(redriveOptions(values, Date.now())) });
