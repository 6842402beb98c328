/** A lock as commands take it, wait for it and lose it. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { isWrite, conflictAt, run, commandProcesses } from '../support/command-processes.ts';

const { api, clock, started, of, lock, earn, account, read } = commandProcesses();

describe('a lock', () => {
  test('is taken with a fence that grows, and refused while another one has it', async () => {
    const id = await account();
    const before = clock.now();
    const first = await run(api, lock(id));
    expect(first).toMatchObject({
      kind: 'committed',
      answer: { kind: 'locked', lock: { by: 'alice', fence: 1 } },
    });
    const { token, expiresAt } = (first as { answer: { lock: { token: string; expiresAt: number } } }).answer
      .lock;
    expect(token).toMatch(/^[\w-]{22}$/);
    expect(expiresAt).toBeGreaterThanOrEqual(before + 60_000);
    expect(expiresAt).toBeLessThan(before + 70_000);
    expect(await run(api, lock(id))).toMatchObject({
      kind: 'refused_for_now',
      rejection: { code: 'locked' },
    });
    const give = (lockToken: string, more: object = {}) =>
      run(api, { ...lock(id), kind: 'unlock', lockToken, ...more } as never);
    expect(await give('other')).toMatchObject({ kind: 'refused', rejection: { code: 'lock_lost' } });
    expect(await give(token, { ifMatch: 9 })).toMatchObject({ rejection: { code: 'version_mismatch' } });
    expect(await give(token)).toMatchObject({ kind: 'committed' });
    expect(await read(id)).toMatchObject({ lock: { token: '', fence: 1, expiresAt: 0 } });
    expect(await give(token)).toMatchObject({ rejection: { code: 'lock_lost' } });
    expect(await run(api, lock(id))).toMatchObject({ answer: { lock: { fence: 2 } } });
  });

  test('is of an entity that is there, of its collection, and of the version that was seen', async () => {
    const nobody = 'pts_01JD2X5T9ZK4M8Q7W6V5B3N2HC';
    expect(await run(api, lock(nobody))).toMatchObject({ rejection: { code: 'not_found' } });
    const unlock = { ...lock(nobody), kind: 'unlock', lockToken: 'x' } as never;
    expect(await run(api, unlock)).toMatchObject({ rejection: { code: 'not_found' } });
    const id = await account();
    expect(await run(api, lock(id, { ifMatch: 2 }))).toMatchObject({
      rejection: { code: 'version_mismatch' },
    });
    expect(await run(api, lock(id, { domain: of('articles') }))).toMatchObject({
      rejection: { code: 'not_found' },
    });
    expect(await run(api, lock(id, { ifMatch: 1 }))).toMatchObject({ kind: 'committed' });
  });

  test('is waited for until there is no time, and is had when it is free', async () => {
    const id = await account();
    await run(api, lock(id));
    expect(await run(api, lock(id, { wait: 'wait' }), 200)).toMatchObject({
      kind: 'refused_for_now',
      rejection: { code: 'locked' },
    });
    clock.advance(60_000);
    expect(await run(api, lock(id, { wait: 'wait' }), 200)).toMatchObject({ answer: { lock: { fence: 2 } } });
  });

  test('is told of to the process while it is waited for, and no other wait is', async () => {
    const id = await account();
    const told: unknown[] = [];
    const listen = (notice: unknown): void => void told.push(notice);
    subscribe('commit-once.waits', listen);
    const crowded = started({
      before: (call) => {
        if (isWrite(call) && call.nth === 1) throw conflictAt(1);
      },
    });
    await run(crowded, lock(id));
    expect(told).toEqual([]);
    await run(api, lock(id, { wait: 'wait' }), 200);
    const { tenant } = api;
    expect(told.slice(0, 2)).toEqual([
      { tenant, change: 1 },
      { tenant, change: -1 },
    ]);
    unsubscribe('commit-once.waits', listen);
  });

  test('lets its holder commit while it lasts', async () => {
    const id = await account();
    const held = await run(api, lock(id));
    const { token } = (held as { answer: { lock: { token: string } } }).answer.lock;
    const slow = started({
      before: async (call) => {
        if (isWrite(call)) await sleep(50);
      },
    });
    expect(await run(slow, earn(id, { lockToken: token }))).toMatchObject({ kind: 'committed' });
    expect(slow.made).toEqual(['BatchGet', 'TransactWrite']);
    expect(await run(api, earn(id, { lockToken: 'other' }))).toMatchObject({
      rejection: { code: 'lock_lost' },
    });
  });

  test('that has run out hurries nobody who commits without it', async () => {
    const id = await account();
    await run(api, lock(id));
    clock.advance(60_000);
    const other = started();
    expect(await run(other, earn(id))).toMatchObject({ kind: 'committed' });
    expect(other.made).toEqual(['BatchGet', 'TransactWrite']);
  });

  test('that runs out while its holder commits ends the commit', async () => {
    const id = await account();
    const held = await run(api, lock(id, { ttlSeconds: 1 }));
    const { token } = (held as { answer: { lock: { token: string } } }).answer.lock;
    const slow = started({
      before: async (call) => {
        if (isWrite(call)) await new Promise((resolve) => setTimeout(resolve, 1_100));
      },
    });
    expect(await run(slow, earn(id, { lockToken: token }))).toMatchObject({
      kind: 'refused',
      rejection: { code: 'lock_lost' },
    });
    expect(await read(id)).toMatchObject({ version: 1 });
  });
});
