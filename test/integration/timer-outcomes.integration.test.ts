/** What a scheduled transition comes to, as its command is carried out. */
import { expect, test } from 'vitest';
import { createWaitingRoom } from '../../functions/commands/waiting-room.ts';
import type { TimerReference } from '../../functions/outbox/queue-messages.ts';
import { createRunScheduledTransition } from '../../functions/workers/scheduled-transition.ts';
import type { ScheduledOutcome } from '../../functions/workers/scheduled-transition.ts';
import {
  again,
  commandProcesses,
  conflictAt,
  gone,
  idIn,
  isWrite,
  run,
} from '../support/command-processes.ts';
import type { CommandProcess } from '../support/command-processes.ts';

const { api, clock, counted, started, create, transition, lock, read } = commandProcesses();

/** An invite that waits for its end, which has come. */
async function overdue(): Promise<TimerReference> {
  const id = idIn(
    await run(api, create('invites', { workspace: 'w', email: 'a@example.com', role: 'editor' })),
  );
  const dueAt = (await read(id))?.due?.at ?? 0;
  expect(dueAt).toBeGreaterThan(clock.now());
  clock.moveTo(dueAt + 5_000);
  counted.splice(0);
  return { tenant: api.tenant, collection: 'invites', entity: id, transition: 'expire', dueAt };
}
const carriedOut = (timer: TimerReference, { backend }: CommandProcess = api): Promise<ScheduledOutcome> =>
  createRunScheduledTransition(backend)(timer);

test('it is done once, however often it comes, and keeps which entry it became', async () => {
  const timer = await overdue();
  expect(await carriedOut(timer)).toBe('done');
  expect(counted).toEqual(['CommandsCommitted', 'ScheduledTransitions']);
  expect(await carriedOut(timer)).toBe('done');
  expect(counted.slice(2)).toEqual(['CommandsReplayed']);
  expect(await carriedOut(timer, started())).toBe('done');
  const { entity: id, dueAt } = timer;
  expect(await read(id)).toMatchObject({ status: 'expired', version: 2 });
  const asked = transition('invites', 'expire', id, {}, { subject: 'system:timer', dueAt });
  const same = { path: `/scheduled/invites/${id}/expire`, idempotencyKey: `expire-${dueAt}` };
  const answer = { status: 200, body: JSON.stringify({ id, status: 'expired', version: 2 }) };
  expect(await run(started(), again(asked, same))).toEqual({ kind: 'replayed', answer });
});

test('it is done where nobody counts', async () => {
  expect(await carriedOut(await overdue(), started({ isCounted: false }))).toBe('done');
});

test('it waits until its time has come, and is not put off by a clock that is set back', async () => {
  const timer = await overdue();
  clock.moveTo(timer.dueAt - 5_000);
  api.made.splice(0);
  expect(await carriedOut(timer)).toBe('not_due');
  expect(api.made).toEqual([]);
  let looks = 0;
  const back = { now: () => ((looks += 1) === 1 ? timer.dueAt : timer.dueAt - 5_000) };
  expect(await createRunScheduledTransition({ ...api.backend, clock: back })(timer)).toBe('done');
  expect((await read(timer.entity))?.updatedAt).toBe(new Date(timer.dueAt).toISOString());
});

test.each([
  ['its entity waits for another time', { dueAt: 1 }],
  ['its entity is not there', { entity: 'inv_01JD2X5T9ZK4M8Q7W6V5B3N2HC' }],
])('it is needed no more where %s', async (_, other) => {
  expect(await carriedOut({ ...(await overdue()), ...other })).toBe('not_needed');
});

test('it is needed no more where its entity has gone another way', async () => {
  const timer = await overdue();
  await run(api, transition('invites', 'revoke', timer.entity));
  expect(await carriedOut(timer)).toBe('not_needed');
});

test.each([
  ['its collection', { collection: 'invitations' }],
  ['its transition', { transition: 'lapse' }],
  ['a transition of that name, though objects have one', { transition: 'toString' }],
])('it is left to another version of the definition where this one lacks %s', async (_, other) => {
  expect(await carriedOut({ ...(await overdue()), ...other })).toBe('retry');
});

test('it is tried again where a lock, others or the database stand in its way', async () => {
  const timer = await overdue();
  const crowded = started({
    waitingRoom: createWaitingRoom({ perEntityMax: 0, perTenantMax: 0 }),
    before: (call) => {
      if (isWrite(call)) throw conflictAt(1);
    },
  });
  expect(await carriedOut(timer, crowded)).toBe('retry');
  const away = started({
    before: () => {
      throw gone();
    },
  });
  await expect(carriedOut(timer, away)).rejects.toThrow('socket hang up');
  const { domain } = transition('invites', 'expire', timer.entity);
  await run(api, lock(timer.entity, { domain }));
  expect(await carriedOut(timer)).toBe('retry');
});
