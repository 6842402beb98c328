import { describe, expect, it } from 'vitest';
import { createWaitingRoom } from '../../functions/commands/waiting-room.ts';
import { contention, waiters } from '../../functions/runtime/limits.ts';

describe('a waiting room', () => {
  it('lets as many wait for an entity as its bound says, and the next when one has left', () => {
    const room = createWaitingRoom({ perEntityMax: 2, perTenantMax: 9 });
    const leave = room.enter('acme', 'pay_1');
    expect(room.enter('acme', 'pay_1')).toBeDefined();
    expect(room.enter('acme', 'pay_1')).toBeUndefined();
    expect(room.enter('acme', 'pay_2')).toBeDefined();
    expect(room.enter('other', 'pay_1')).toBeDefined();
    leave?.();
    expect(room.enter('acme', 'pay_1')).toBeDefined();
    expect(room.enter('acme', 'pay_1')).toBeUndefined();
  });

  it('lets as many of a tenant wait as its bound says, whatever they wait for', () => {
    const room = createWaitingRoom({ perEntityMax: 9, perTenantMax: 2 });
    room.enter('acme', 'pay_1');
    const leave = room.enter('acme', 'pay_2');
    expect(room.enter('acme', 'pay_3')).toBeUndefined();
    expect(room.enter('other', 'pay_3')).toBeDefined();
    leave?.();
    expect(room.enter('acme', 'pay_3')).toBeDefined();
  });

  it('has room for what the widest window spreads out, and for other tenants', () => {
    expect(waiters.perEntityMax).toBe(contention.windowMaxMs / contention.windowBaseMs);
    expect(waiters.perTenantMax).toBeGreaterThan(waiters.perEntityMax);
  });
});
