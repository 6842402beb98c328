/** The search for the messages of a redrive run: which it takes, and how much of the index one part of it looks at. */
import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LetterMatch } from '../../functions/core/redrive-run.ts';
import type { list, redriveRun } from '../../functions/runtime/delivery-limits.ts';
import type { OutboxAccess } from '../../functions/store/outbox/message-writes.ts';
import { findLetters } from '../../functions/store/redrives/search.ts';
import type { FoundPart } from '../../functions/store/redrives/search.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { deadLetter, dyingMs, putDeadLetters, putLetters, startOfYear } from '../support/dead-letters.ts';
import { intercept } from '../support/sdk-faults.ts';

/** The limits here; those of production stay what they are. */
const { entriesPerPage, listItemMax, listPartEntries } = vi.hoisted(() => ({
  ...{ entriesPerPage: 4, listItemMax: 12, listPartEntries: 300 },
}));
vi.mock('../../functions/runtime/delivery-limits.ts', async (original) => {
  const real: { list: typeof list; redriveRun: typeof redriveRun } = await original();
  return {
    ...real,
    list: { ...real.list, entriesPerPage },
    redriveRun: { ...real.redriveRun, listItemMax, listPartEntries },
  };
});

let store: TestBackend['backend']['store'];
let outbox: OutboxAccess;
/** How many entries of a partition each request asked for. */
let asked: number[] = [];
let tenant: string;
beforeAll(async () => {
  const { backend } = await startBackend({
    prepare: (client) => {
      intercept(client, {
        before: ({ command, input }) => {
          if (command === 'QueryCommand') asked.push((input as { Limit: number }).Limit);
        },
      });
    },
  });
  ({ store } = backend);
  outbox = { client: store.client, table: store.tables.outbox, clock: backend.clock };
});
beforeEach(() => {
  tenant = randomUUID();
  asked = [];
});

const at = (ms: number): string => new Date(startOfYear + ms).toISOString();
const find = (match: LetterMatch, listPosition?: string, hasTime = () => true, createdAt = at(3_600_000)) =>
  findLetters(outbox, { tenant, match, createdAt, listPosition }, hasTime);
const llm = { topic: 'llm' } as const;
const idsIn = ({ letters }: FoundPart): string[] => letters.map(({ id }) => id);

it('takes what died before the run began, and by the time that its match ends with', async () => {
  const [early, late] = await putDeadLetters(store, 2, { tenant, at: startOfYear });
  const [diedEarly, diedLate] = [dyingMs, dyingMs + 1].map(at);
  const found = async (createdAt: string | undefined, until?: string) =>
    idsIn(await find({ until }, undefined, () => true, createdAt));
  expect(await found(diedLate)).toEqual([early?.id, late?.id]);
  expect(await found(diedEarly)).toEqual([early?.id]);
  expect(await found(diedLate, diedEarly)).toEqual([early?.id]);
  // What dies after the beginning is none of its messages, whatever the match says.
  expect(await found(diedEarly, diedLate)).toEqual([early?.id]);
});

it('leaves out those that must not be called again, and counts them', async () => {
  const held = deadLetter({ tenant, onUncertain: 'hold', at: startOfYear });
  await putLetters(store, [{ ...held, unsettled: 1 }]);
  const [other] = await putDeadLetters(store, 1, { tenant, at: startOfYear + 1 });
  const part = await find({});
  expect(part).toEqual({ letters: [{ id: other?.id, run: 1 }], count: 1, held: 1, position: undefined });
});

describe('a part', () => {
  it('holds as many as an item does, and the next one goes on from there', async () => {
    await putDeadLetters(store, 2 * listItemMax, { tenant });
    const letters = await putDeadLetters(store, 40, { tenant, ...llm, at: startOfYear + 1_000 });
    const found: string[] = [];
    let position: string | undefined;
    do {
      const part = await find(llm, position);
      expect(part.count).toBe(part.letters.length);
      expect(part.count).toBeLessThanOrEqual(listItemMax);
      // The first is not given up because its first pages hold none.
      if (part.position !== undefined) expect(part.count + entriesPerPage).toBeGreaterThan(listItemMax);
      found.push(...idsIn(part));
      ({ position } = part);
    } while (position !== undefined);
    expect(found).toEqual(letters.map(({ id }) => id));
    expect(Math.max(...asked)).toBe(listItemMax / 4);
  });

  it('ends where it has looked at as much as one delivery does', async () => {
    // What the partitions have looked at beyond a page's end is looked at again, and counts again.
    await putDeadLetters(store, listPartEntries, { tenant });
    const part = await find(llm);
    expect(part).toMatchObject({ count: 0, position: expect.any(String) as string });
  });

  it('ends where there is no time for another page', async () => {
    await putDeadLetters(store, 20, { tenant });
    const part = await find(llm, undefined, () => false);
    expect(part).toMatchObject({ count: 0, position: expect.any(String) as string });
    // One request to each partition.
    expect(asked).toHaveLength(4);
  });
});
