import { setImmediate as next } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createWaitingRoom } from '../../functions/commands/waiting-room.ts';
import type { Deadline } from '../../functions/runtime/clock.ts';
import { request, waiters } from '../../functions/runtime/limits.ts';

const patient: Deadline = { signal: new AbortController().signal, remainingMs: () => 9_000 };

describe('a waiting room', () => {
  it('lets as many wait for an entity as its bound says, and the next when one has left', () => {
    const room = createWaitingRoom({ perEntityMax: 2, perTenantMax: 9 });
    const place = room.enter('acme', 'pay_1');
    expect(room.enter('acme', 'pay_1')).toBeDefined();
    expect(room.enter('acme', 'pay_1')).toBeUndefined();
    expect(room.enter('acme', 'pay_2')).toBeDefined();
    expect(room.enter('other', 'pay_1')).toBeDefined();
    place?.leave();
    expect(room.enter('acme', 'pay_1')).toBeDefined();
    expect(room.enter('acme', 'pay_1')).toBeUndefined();
  });

  it('lets as many of a tenant wait as its bound says, whatever they wait for', () => {
    const room = createWaitingRoom({ perEntityMax: 9, perTenantMax: 2 });
    const first = room.enter('acme', 'pay_1');
    const second = room.enter('acme', 'pay_2');
    expect(room.enter('acme', 'pay_3')).toBeUndefined();
    expect(room.enter('other', 'pay_3')).toBeDefined();
    second?.leave();
    const third = room.enter('acme', 'pay_3');
    expect(third).toBeDefined();
    expect(room.enter('acme', 'pay_4')).toBeUndefined();
    for (const place of [first, third]) place?.leave();
    expect(room.enter('acme', 'pay_4')).toBeDefined();
    expect(room.enter('acme', 'pay_4')).toBeDefined();
    expect(room.enter('acme', 'pay_4')).toBeUndefined();
  });

  it('has as many places as there are turns of 36 ms in a command’s time, and room for another crowd', () => {
    const { deadlineMs, deadlineReserveMs } = request;
    expect(waiters.perEntityMax * 36).toBe(deadlineMs - deadlineReserveMs);
    expect(waiters.perTenantMax).toBeGreaterThan(waiters.perEntityMax);
  });
});

describe('a place in it', () => {
  const enter = (room = createWaitingRoom(), entity = 'pay_1', tenant = 'acme') => {
    const place = room.enter(tenant, entity);
    if (!place) throw new Error('there is room');
    return place;
  };

  it('makes its entity busy while it has the turn, and no other one', async () => {
    const room = createWaitingRoom();
    const place = enter(room);
    expect(room.isBusy('acme', 'pay_1')).toBe(false);
    await place.turn(patient);
    expect(room.isBusy('acme', 'pay_1')).toBe(true);
    expect([room.isBusy('acme', 'pay_2'), room.isBusy('other', 'pay_1')]).toEqual([false, false]);
    place.passOn();
    expect(room.isBusy('acme', 'pay_1')).toBe(false);
  });

  it('has the turn until it is left, and then the next has it', async () => {
    const room = createWaitingRoom();
    const [first, second] = [enter(room), enter(room)];
    expect(await first.turn(patient)).toBe('own');
    expect(await first.turn(patient)).toBe('own');
    const turn = second.turn(patient);
    first.leave();
    expect(await turn).toBe('passed');
    expect(await second.turn(patient)).toBe('own');
  });

  it('that passes its turn on keeps itself, and asks for another one like all others', async () => {
    const room = createWaitingRoom({ perEntityMax: 2, perTenantMax: 9 });
    const [first, second] = [enter(room), enter(room)];
    await first.turn(patient);
    first.passOn();
    expect(await second.turn(patient)).toBe('own');
    const turn = first.turn(patient);
    expect(room.enter('acme', 'pay_1')).toBeUndefined();
    second.leave();
    expect(await turn).toBe('passed');
  });

  it('that is left without the turn takes it from nobody', async () => {
    const room = createWaitingRoom();
    const [first, second, third] = [enter(room), enter(room), enter(room)];
    await first.turn(patient);
    const turn = third.turn(patient);
    second.passOn();
    second.leave();
    expect(await Promise.race([turn, next('waits')])).toBe('waits');
    first.leave();
    expect(await turn).toBe('passed');
  });

  it('whose turn comes too late has none', async () => {
    const room = createWaitingRoom();
    const [first, second, third] = [enter(room), enter(room), enter(room)];
    await first.turn(patient);
    expect(await second.turn({ ...patient, remainingMs: () => 0 })).toBe('late');
    const turn = third.turn(patient);
    second.leave();
    expect(await Promise.race([turn, next('waits')])).toBe('waits');
    first.leave();
    expect(await turn).toBe('passed');
  });

  it('waits for those of its own entity and tenant alone', async () => {
    const room = createWaitingRoom();
    await enter(room).turn(patient);
    expect(await enter(room, 'pay_2').turn(patient)).toBe('own');
    expect(await enter(room, 'pay_1', 'other').turn(patient)).toBe('own');
  });

  it('is told at once where turns took too long lately, by the clock of the room', async () => {
    let now = 0;
    const room = createWaitingRoom(undefined, () => now);
    const [first, second] = [enter(room), enter(room)];
    for (let turns = 0; turns < 10; turns += 1) {
      await first.turn(patient);
      now += 9_000;
      first.passOn();
    }
    await first.turn(patient);
    expect(await second.turn(patient)).toBe('late');
    // Nobody is left who could know.
    for (const place of [first, second]) place.leave();
    await enter(room).turn(patient);
    const turn = enter(room).turn(patient);
    expect(await Promise.race([turn, next('waits')])).toBe('waits');
  });
});
