/** A command that meets others on its way: it decides again, waits, or is told that it is crowded out. */
import { describe, expect, test, vi } from 'vitest';
import { beginExecution } from '../../functions/commands/execution.ts';
import { decideOn } from '../../functions/commands/read-and-decide.ts';
import { createWaitingRoom } from '../../functions/commands/waiting-room.ts';
import { balanceKey, balancePlace } from '../../functions/store/keys.ts';
import {
  isWrite,
  gone,
  conflictAt,
  throttledAt,
  idIn,
  again,
  run,
  commandProcesses,
} from '../support/command-processes.ts';
import type { DatabaseCall } from '../support/command-processes.ts';

const { api, clock, counted, started, create, transition, earn, account, read } = commandProcesses();

describe('a command that meets another one', () => {
  test('decides on what that left at once, the first time', async () => {
    const id = await account();
    const slow = started({
      before: async (call) => {
        if (isWrite(call) && call.nth === 1) await run(api, earn(id));
      },
    });
    expect(await run(slow, earn(id))).toMatchObject({ kind: 'committed', answer: { version: 3 } });
    expect(slow.made).toEqual(['BatchGet', 'TransactWrite', 'TransactWrite']);
    expect(counted.filter((name) => name === 'CommandAttemptsLost')).toHaveLength(1);
  });

  test('reads afresh after a second loss, and waits for that in the room of its entity', async () => {
    const id = await account();
    const room: string[] = [];
    const slow = started({
      waitingRoom: {
        isBusy: () => false,
        enter: (...whose) => {
          room.push(whose.join(' of '));
          return {
            turn: () => Promise.resolve('own'),
            passOn: () => room.push('passed on'),
            leave: () => room.push('left'),
          };
        },
      },
      before: async (call) => {
        if (isWrite(call) && call.nth <= 3) await run(api, earn(id));
      },
    });
    expect(await run(slow, earn(id))).toMatchObject({ kind: 'committed', answer: { version: 5 } });
    expect(slow.made.filter((name) => name === 'BatchGet')).toHaveLength(3);
    expect(room).toEqual([`${api.tenant} of ${id}`, 'left']);
  });

  test('is refused at once by what that left, the second time, too', async () => {
    const id = await account();
    const closed = started({
      before: async (call) => {
        if (!isWrite(call)) return;
        if (call.nth === 1) await run(api, earn(id));
        if (call.nth === 2) {
          await run(api, transition('point-accounts', 'spend', id, { amount: 5, reason: 'x' }));
          await run(api, transition('point-accounts', 'close', id));
        }
      },
    });
    expect(await run(closed, earn(id))).toMatchObject({
      kind: 'refused',
      rejection: { code: 'transition_not_allowed' },
    });
    expect(closed.made.filter((name) => name === 'BatchGet')).toHaveLength(1);
  });

  test('finds after a wait that its key was answered meanwhile', async () => {
    const id = await account();
    const request = earn(id);
    const slow = started({
      before: async (call) => {
        if (!isWrite(call) || call.nth > 1) return;
        await run(api, again(request));
        throw conflictAt(1);
      },
    });
    expect(await run(slow, request)).toMatchObject({ kind: 'replayed', answer: { version: 2 } });
    expect(slow.made).toEqual(['BatchGet', 'TransactWrite', 'BatchGet']);
  });

  test('posts to another item of a spread account at each attempt', async () => {
    const payment = { payer: 'ada', payee: 'shop', amount: 5, currency: 'EUR' };
    const id = idIn(await run(api, create('payments', payment)));
    const posted: string[] = [];
    const slow = started({
      before: (call) => {
        if (!isWrite(call)) return;
        const { TransactItems } = call.input as { TransactItems: { Update?: { Key: { pk: string } } }[] };
        posted.push(
          ...TransactItems.map(({ Update }) => Update?.Key.pk ?? '').filter((pk) => /holding/.test(pk)),
        );
        if (call.nth < 3) throw conflictAt(1);
      },
    });
    expect(await run(slow, transition('payments', 'confirm', id))).toMatchObject({ kind: 'committed' });
    const places = [0, 1, 2].map((meetings) => balancePlace(32, { id, seq: 2 }, meetings));
    expect(posted).toEqual(places.map((place) => balanceKey(api.tenant, 'holding:shop:EUR', place).pk));
  });

  test('gives up when no other attempt can end in time, without another one', async () => {
    const id = await account();
    const late = started({
      before: (call) => {
        if (!isWrite(call)) return;
        clock.advance(3_600_000);
        throw conflictAt(1);
      },
    });
    expect(await run(late, earn(id))).toEqual({ kind: 'contended' });
    expect(late.made).toEqual(['BatchGet', 'TransactWrite']);
  });

  test('is told of the database where that is away afterwards, and of the other one where its time is over', async () => {
    const id = await account();
    const error = gone();
    const away = started({
      before: (call) => {
        if (isWrite(call)) throw conflictAt(1);
        if (call.nth === 2) throw error;
      },
    });
    expect(await run(away, earn(id))).toEqual({ kind: 'unavailable', cause: error });
    // Its time is over when the test says so, and not after so many milliseconds of a slow machine.
    const time = new AbortController();
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValueOnce(time.signal);
    const slow = started({
      before: (call) => {
        if (isWrite(call)) throw conflictAt(1);
        if (call.nth === 2) time.abort();
      },
    });
    expect(await run(slow, earn(id))).toEqual({ kind: 'contended' });
    timeout.mockRestore();
    expect(slow.made).toEqual(['BatchGet', 'TransactWrite', 'BatchGet']);
  });

  test('is carried out where nobody counts', async () => {
    const id = await account();
    const uncounted = started({
      isCounted: false,
      before: (call) => {
        if (isWrite(call) && call.nth === 1) throw conflictAt(1);
      },
    });
    const request = earn(id);
    expect(await run(uncounted, request)).toMatchObject({ kind: 'committed' });
    expect(await run(uncounted, again(request))).toMatchObject({ kind: 'replayed' });
    expect(await run(uncounted, earn(id, { roles: [] }))).toMatchObject({ kind: 'refused_for_now' });
    expect(counted).toEqual(['CommandsCommitted']);
  });

  test('whose refusal would rest on several moments waits until they are one', async () => {
    const seller = idIn(await run(api, create('sellers', {})));
    const auction = idIn(await run(api, create('auctions', { title: 'A press', seller })));
    await run(api, create('bids', { auction, amount: 100 }, { subject: 'first' }));
    const slow = started({
      before: async ({ command, nth }) => {
        if (command === 'BatchGet' && nth === 2)
          await run(api, create('bids', { auction, amount: 400 }, { subject: 'second' }));
        // Others are at what it looks at.
        if (command === 'TransactGet') throw conflictAt(0);
      },
    });
    expect(await run(slow, create('bids', { auction, amount: 300 }, { subject: 'third' }))).toMatchObject({
      kind: 'refused',
      rejection: { code: 'bid_too_low' },
    });
    expect(slow.made).toContain('TransactGet');
    expect(counted.filter((name) => name === 'CommandAttemptsLost')).toHaveLength(1);
  });

  test('is not refused by another entity as it once was, beside what was read at another moment', async () => {
    const showing = idIn(await run(api, create('showings', { title: 'x', capacity: 1 })));
    const state = await read(showing);
    if (state === undefined) throw new Error('it is there');
    const request = create('reservations', { showingId: showing, customer: 'ada' });
    const key = await api.backend.keys.begin(request);
    if (key.kind !== 'fresh') throw new Error('it is remembered');
    const deciding = async (isMixed: boolean): Promise<string> => {
      const execution = beginExecution(api.backend, { request, key });
      execution.known.set(showing, { ...state, balances: { ...state.balances, remaining: 0 } });
      execution.isMixed = isMixed;
      return (await decideOn(execution, clock.now())).kind;
    };
    expect(await deciding(true)).toBe('accepted');
    expect(await deciding(false)).toBe('rejected');
  });

  test('that finds another one at its second look, too, waits like one that lost', async () => {
    const seller = idIn(await run(api, create('sellers', {})));
    const auction = idIn(await run(api, create('auctions', { title: 'A press', seller })));
    const bid = (subject: string, amount: number) => create('bids', { auction, amount }, { subject });
    const first = idIn(await run(api, bid('first', 100)));
    const before = await read(auction);
    await run(api, bid('second', 200));
    const slow = started({
      before: async ({ command }) => {
        if (command === 'BatchGet') await run(api, bid('third', 250));
      },
    });
    const request = bid('fourth', 300);
    const key = await slow.backend.keys.begin(request);
    if (key.kind !== 'fresh') throw new Error('it is remembered');
    const execution = beginExecution(slow.backend, { request, key });
    execution.known.set(auction, before).set(first, await read(first));
    execution.isMixed = true;
    expect(await decideOn(execution, clock.now())).toEqual({ kind: 'moving' });
    expect(slow.made).toEqual(['TransactGet', 'BatchGet']);
  });

  test('that would be refused by two entities looks at both of one moment first', async () => {
    const [id, to] = [await account(), await account()];
    const transfer = () => transition('point-accounts', 'transfer', id, { to, amount: 5 });
    const refused = started();
    expect(await run(refused, transfer())).toMatchObject({ rejection: { code: 'insufficient_balance' } });
    expect(refused.made).toEqual(['BatchGet', 'TransactGet', 'Put']);
    // One request reads each item at a moment of its own: the other command came between them.
    const torn = started({
      before: async ({ command }) => {
        if (command === 'TransactGet') await run(api, earn(id));
      },
    });
    expect(await run(torn, transfer())).toMatchObject({ kind: 'committed' });
  });

  test.each([
    ['one of them alone, looks at both again', false, ['BatchGet', 'TransactWrite', 'TransactGet', 'Put']],
    ['both, has seen them at one moment', true, ['BatchGet', 'TransactWrite', 'Put']],
  ])('that would be refused by two entities, and is handed %s', async (_, isBoth, made) => {
    const [id, to] = [await account(), await account()];
    await run(api, earn(id));
    const slow = started({
      before: async (call) => {
        if (!isWrite(call) || call.nth > 1) return;
        await run(api, transition('point-accounts', 'spend', id, { amount: 5, reason: 'x' }));
        if (isBoth) await run(api, earn(to));
      },
    });
    expect(await run(slow, transition('point-accounts', 'transfer', id, { to, amount: 5 }))).toMatchObject({
      kind: 'refused',
      rejection: { code: 'insufficient_balance' },
    });
    expect(slow.made).toEqual(made);
  });

  test.each([
    ['a duplicate of its own', 0, 'in_progress'],
    ['another command', 1, 'contended'],
  ])('all the time is told so, where that is %s', async (_, at, kind) => {
    const id = await account();
    const crowded = started({
      before: (call) => {
        if (isWrite(call)) throw conflictAt(at);
      },
    });
    expect(await run(crowded, earn(id), 1_000)).toEqual({ kind });
    expect(crowded.made.filter((name) => name === 'TransactWrite').length).toBeGreaterThan(1);
    expect(counted).not.toContain('CommandsRefused');
  });

  test('is told of the database where that is short of capacity, and has lost to nobody', async () => {
    const id = await account();
    const before = (call: DatabaseCall): void => {
      if (isWrite(call)) throw throttledAt(1);
    };
    counted.length = 0;
    const short = started({ before });
    expect(await run(short, earn(id), 1_000)).toMatchObject({ kind: 'unavailable' });
    expect(short.made.filter((name) => name === 'TransactWrite').length).toBeGreaterThan(1);
    const full = started({ before, waitingRoom: createWaitingRoom({ perEntityMax: 0, perTenantMax: 0 }) });
    expect(await run(full, earn(id))).toEqual({ kind: 'unavailable' });
    expect(counted).not.toContain('CommandAttemptsLost');
  });

  test('is told at once where there is no room to wait', async () => {
    const id = await account();
    const full = started({
      waitingRoom: createWaitingRoom({ perEntityMax: 0, perTenantMax: 0 }),
      before: (call) => {
        if (isWrite(call)) throw conflictAt(1);
      },
    });
    expect(await run(full, earn(id))).toEqual({ kind: 'contended' });
    expect(full.made).toEqual(['BatchGet', 'TransactWrite']);
    const lost = started({
      waitingRoom: createWaitingRoom({ perEntityMax: 0, perTenantMax: 0 }),
      before: (call) => {
        if (isWrite(call)) throw gone();
      },
    });
    expect(await run(lost, earn(id))).toEqual({ kind: 'unknown' });
  });

  test('creates by what it found taken, and waits for that', async () => {
    const showing = idIn(await run(api, create('showings', { title: 'x', capacity: 1 })));
    const room: string[] = [];
    const slow = started({
      waitingRoom: {
        ...createWaitingRoom(),
        enter: (tenant, id) => (room.push(id), createWaitingRoom().enter(tenant, id)),
      },
      before: async (call) => {
        if (!isWrite(call) || call.nth > 1) return;
        await run(api, create('reservations', { showingId: showing, customer: 'bob' }));
        throw conflictAt(3);
      },
    });
    expect(await run(slow, create('reservations', { showingId: showing, customer: 'ada' }))).toMatchObject({
      kind: 'refused',
      rejection: { code: 'sold_out' },
    });
    expect(room).toEqual([showing]);
    expect(slow.made).toEqual(['TransactWrite', 'BatchGet', 'Put']);
  });
});
