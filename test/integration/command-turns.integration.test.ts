/** Commands of one process that lost a race for an entity take turns at it. What they send is counted, not timed. */
import { describe, expect, test } from 'vitest';
import { createWaitingRoom } from '../../functions/commands/waiting-room.ts';
import type { WaitingRoom } from '../../functions/commands/waiting-room.ts';
import type { Outcome } from '../../functions/commands/outcome.ts';
import { again, commandProcesses, conflictAt, isWrite, run } from '../support/command-processes.ts';

const { api, clock, counted, started, transition, lock, earn, account, read } = commandProcesses();

const count = (made: readonly string[], name: string): number => made.filter((each) => each === name).length;

/** A room that tells when somebody enters it. */
function watchedRoom(): WaitingRoom & { readonly entered: (times: number) => Promise<void> } {
  const room = createWaitingRoom();
  let entries = 0;
  const watchers = new Set<() => void>();
  return {
    ...room,
    enter: (...whose) => {
      entries += 1;
      for (const look of watchers) look();
      return room.enter(...whose);
    },
    entered: (times) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (entries >= times) resolve();
        };
        watchers.add(look);
        look();
      }),
  };
}

describe('commands of one process that want the same entity', () => {
  test('send two transactions each at most, however many they are', async () => {
    const [id, callers] = [await account(), 16];
    const crowd = started();
    const outcomes = await Promise.all(Array.from({ length: callers }, () => run(crowd, earn(id))));
    expect(outcomes.filter(({ kind }) => kind !== 'committed')).toEqual([]);
    expect((await read(id))?.version).toBe(callers + 1);
    // All may meet once. From then on it is one's turn, and nobody else is at the entity.
    expect(count(crowd.made, 'TransactWrite')).toBeLessThan(2 * callers);
    expect(count(crowd.made, 'BatchGet')).toBeLessThan(2 * callers);
  });

  test('meet once in the database, where the first of them wins', async () => {
    const [id, callers] = [await account(), 8];
    let open: () => void = () => undefined;
    const allRead = new Promise<void>((resolve) => {
      open = resolve;
    });
    const crowd = started({
      before: async (call) => {
        if (!isWrite(call) || call.nth > callers) return;
        if (call.nth === callers) open();
        await allRead;
      },
    });
    await Promise.all(Array.from({ length: callers }, () => run(crowd, earn(id))));
    expect(counted.filter((name) => name === 'CommandAttemptsLost')).toHaveLength(callers - 1);
    expect(count(crowd.made, 'TransactWrite')).toBe(2 * callers - 1);
    // The first that lost decides on what the database handed it, the others on what they read when it is their turn.
    expect(count(crowd.made, 'BatchGet')).toBe(2 * callers - 2);
  });

  test('wait for their turn before they try, where others have it already', async () => {
    const id = await account();
    const waitingRoom = watchedRoom();
    let late: ReturnType<typeof run> | undefined;
    const crowd = started({
      waitingRoom,
      before: async (call) => {
        if (!isWrite(call) || call.nth > 2) return;
        if (call.nth === 1) return void (await run(api, earn(id)));
        late = run(crowd, earn(id));
        await Promise.race([waitingRoom.entered(2), late]);
        // Who has waited for its turn makes no pause then, so that it needs no time for one.
        clock.advance(60_000);
      },
    });
    expect(await run(crowd, earn(id))).toMatchObject({ kind: 'committed', answer: { version: 3 } });
    expect(await late).toMatchObject({ kind: 'committed', answer: { version: 4 } });
    expect(crowd.made).toEqual([
      ...['BatchGet', 'TransactWrite', 'TransactWrite'],
      ...['BatchGet', 'BatchGet', 'TransactWrite'],
    ]);
    expect(counted.filter((name) => name === 'CommandAttemptsLost')).toHaveLength(1);
  });

  test.each([
    ['is refused', (id: string) => run(api, transition('point-accounts', 'close', id)), 'refused'],
    ['ends in a defect', () => Promise.reject(new Error('a defect')), 'committed'],
  ])('have their turn when the one before %s', async (_, end, nextKind) => {
    const id = await account();
    const waitingRoom = watchedRoom();
    let next: ReturnType<typeof run> | undefined;
    const crowd = started({
      waitingRoom,
      before: async (call) => {
        if (!isWrite(call) || call.nth > 2) return;
        if (call.nth === 1) throw conflictAt(1);
        next = run(crowd, earn(id));
        await Promise.race([waitingRoom.entered(2), next]);
        await end(id);
      },
    });
    const [first] = await Promise.allSettled([run(crowd, earn(id))]);
    expect(first.status).toBe(nextKind === 'refused' ? 'fulfilled' : 'rejected');
    expect(await next).toMatchObject({ kind: nextKind });
  });

  test('are told at once where their turn would come too late', async () => {
    const id = await account();
    const waitingRoom = createWaitingRoom();
    let late: ReturnType<typeof run> | undefined;
    const crowd = started({
      waitingRoom: {
        ...waitingRoom,
        enter: (...whose) => {
          const place = waitingRoom.enter(...whose);
          return (
            place && { ...place, turn: (deadline) => (late ? Promise.resolve('late') : place.turn(deadline)) }
          );
        },
      },
      before: async (call) => {
        if (!isWrite(call) || call.nth > 2) return;
        if (call.nth === 1) throw conflictAt(1);
        late = run(crowd, earn(id));
        await late;
      },
    });
    expect(await run(crowd, earn(id))).toMatchObject({ kind: 'committed' });
    expect(await late).toEqual({ kind: 'contended' });
    expect(count(crowd.made, 'TransactWrite')).toBe(2);
  });
});

test('who waits for a lock asks for no turn', async () => {
  const id = await account();
  const held = await run(api, lock(id));
  const { token: lockToken } = (held as { answer: { lock: { token: string } } }).answer.lock;
  const waitingRoom = createWaitingRoom();
  const asked: string[] = [];
  const waiter = started({
    waitingRoom: {
      ...waitingRoom,
      enter: (tenant, entity) => {
        const place = waitingRoom.enter(tenant, entity);
        asked.push('place');
        return (
          place && {
            ...place,
            turn: (deadline) => {
              asked.push('turn');
              return place.turn(deadline);
            },
          }
        );
      },
    },
    after: async ({ command, nth }) => {
      if (command !== 'BatchGet' || nth !== 2) return;
      await run(api, { ...lock(id), kind: 'unlock', lockToken } as never);
    },
  });
  expect(await run(waiter, lock(id, { wait: 'wait' }))).toMatchObject({ answer: { lock: { fence: 2 } } });
  expect(asked).toEqual(['place']);
});

test('who waits for a lock keeps its turn from nobody: the one that has the lock gets it', async () => {
  const id = await account();
  let holder: Promise<readonly Outcome[]> | undefined;
  const take = lock(id);
  const crowd = started({
    before: async (call) => {
      if (!isWrite(call) || call.nth > 2) return;
      // Before the waiter's first try somebody takes the lock. Both lose a race: the waiter, and then the lock's holder.
      if (call.nth === 1) await run(api, take);
      throw conflictAt(1);
    },
    after: ({ command, nth }) => {
      // By now the waiter has the turn, and finds the lock.
      if (command === 'BatchGet' && nth === 2) holder = workAndUnlock();
    },
  });
  const workAndUnlock = async (): Promise<readonly Outcome[]> => {
    const replayed = await run(api, again(take));
    const { token: lockToken } = (replayed as { answer: { lock: { token: string } } }).answer.lock;
    const worked = await run(crowd, earn(id, { lockToken }), 2_000);
    return [worked, await run(crowd, { ...lock(id), kind: 'unlock', lockToken } as never)];
  };
  expect(await run(crowd, lock(id, { wait: 'wait' }))).toMatchObject({ answer: { lock: { fence: 2 } } });
  expect((await holder)?.map(({ kind }) => kind)).toEqual(['committed', 'committed']);
});
