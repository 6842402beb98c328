import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LambdaFunction } from '../../infra/local/lambda-function.ts';

/** Counts who is in it. `work` ends by itself, `wait` says that it waits for another, which is `let`. */
const handler = `
  import { channel } from 'node:diagnostics_channel';
  const waits = channel('commit-once.waits');
  const waiting = [];
  let begun = 0;
  let working = 0;
  export const handler = async ({ does, party }) => {
    begun += 1;
    const place = { turn: begun, working: (working += 1) };
    if (does === 'let') for (const end of waiting.splice(0)) end();
    if (does === 'work') await new Promise((resolve) => setTimeout(resolve, 5));
    if (does === 'wait') {
      waits.publish({ tenant: party, change: 1 });
      await new Promise((resolve) => waiting.push(resolve));
      waits.publish({ tenant: party, change: -1 });
    }
    working -= 1;
    return place;
  };
`;

let local: LambdaFunction;

beforeEach(async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'commit-once-')), 'index.mjs');
  await writeFile(file, handler);
  local = new LambdaFunction(
    {
      name: 'held',
      arn: 'arn:aws:lambda:eu-central-1:000000000000:function:held',
      file,
      exportName: 'handler',
      timeoutSeconds: 20,
      memoryMb: 128,
      environment: {},
    },
    () => undefined,
  );
  await local.start();
});
afterEach(() => local.stop(0));

interface Place {
  /** How many began before it, and itself. */
  readonly turn: number;
  /** How many were in the function when it began. */
  readonly working: number;
}

async function invoke(does: 'work' | 'wait' | 'let' | 'look', party = 'acme'): Promise<Place> {
  const invocation = await local.invoke({ does, party }, party);
  if (!invocation.ok) throw new Error(invocation.error.errorMessage);
  return invocation.payload as Place;
}

test('a crowd works a part at a time, in its order, and nobody is turned away', async () => {
  const places = await Promise.all(Array.from({ length: 100 }, () => invoke('work')));
  expect(places.map(({ turn }) => turn)).toEqual(places.map((_, index) => index + 1));
  expect(Math.max(...places.map(({ working }) => working))).toBe(12);
});

test('a crowd of one tenant does not keep out another, and two crowds take turns', async () => {
  const crowds = ['acme', 'other'].map((party) => Array.from({ length: 100 }, () => invoke('work', party)));
  const [crowd = [], others = []] = await Promise.all(crowds.map((invocations) => Promise.all(invocations)));
  // Twelve places are taken by the first crowd; four are left for another.
  expect(others[0]?.turn).toBe(13);
  expect(Math.max(...[...crowd, ...others].map(({ working }) => working))).toBe(16);
  // Whose crowd came first is not through first: its last one has most of the other crowd before it.
  expect(Math.max(...crowd.map(({ turn }) => turn))).toBeGreaterThan(150);
});

test('a crowd has fewer places while another tenant is there', async () => {
  const other = invoke('wait', 'other');
  const places = await Promise.all(Array.from({ length: 100 }, () => invoke('work')));
  expect(Math.max(...places.map(({ working }) => working))).toBeLessThanOrEqual(1 + 4);
  await invoke('let');
  await other;
});

test('those that wait for another leave their places, so that it comes in', async () => {
  const crowd = Array.from({ length: 100 }, () => invoke('wait'));
  expect(await invoke('let')).toEqual({ turn: 101, working: 101 });
  expect(await Promise.all(crowd)).toHaveLength(100);
});

test('places that one tenant leaves are not another one’s: there is still room for a third', async () => {
  const waiting = Array.from({ length: 100 }, () => invoke('wait'));
  // All of them are in, and wait.
  while ((await invoke('look', 'other')).working <= 100);
  const places = await Promise.all(Array.from({ length: 100 }, () => invoke('work', 'noisy')));
  expect(Math.max(...places.map(({ working }) => working))).toBeLessThanOrEqual(100 + 4);
  await invoke('let');
  await Promise.all(waiting);
});
