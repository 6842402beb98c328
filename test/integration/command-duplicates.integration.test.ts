/** Duplicates that come while the first is under way: in its process they wait for it, in another one the database decides. */
import { describe, expect, test } from 'vitest';
import type { CommandRequest } from '../../functions/commands/command.ts';
import type { Outcome } from '../../functions/commands/outcome.ts';
import { again, commandProcesses, gone, isWrite, run } from '../support/command-processes.ts';
import type { CommandProcess } from '../support/command-processes.ts';

const { api, counted, started, create, earn, account, read } = commandProcesses();

/** Each by a call of its own. */
const atOnce = (times: number, process: CommandProcess, request: CommandRequest): Promise<Outcome[]> =>
  Promise.all(Array.from({ length: times }, () => run(process, again(request))));

const kindsOf = (outcomes: readonly Outcome[]): readonly string[] => outcomes.map(({ kind }) => kind).sort();

describe('duplicates of one process', () => {
  test('send one transaction, and are all told its answer', async () => {
    const outcomes = await atOnce(8, api, create('point-accounts', { owner: 'ada' }));
    expect(api.made).toEqual(['TransactWrite']);
    expect(kindsOf(outcomes)).toEqual(['committed', ...Array.from({ length: 7 }, () => 'replayed')]);
    expect(new Set(outcomes.map((each) => JSON.stringify('answer' in each && each.answer))).size).toBe(1);
    expect(counted.filter((name) => name === 'CommandsReplayed')).toHaveLength(7);
  });

  test('with another body are told so, once the first is answered', async () => {
    const request = create('point-accounts', { owner: 'ada' }, { payload: { owner: 'ada' } });
    const [first, other] = await Promise.all([
      run(api, request),
      run(api, again(request, { payload: { owner: 'eve' } })),
    ]);
    expect([first.kind, other.kind]).toEqual(['committed', 'key_reused']);
  });

  test('go on one after the other where the first has come to no answer', async () => {
    const id = await account();
    const unlucky = started({
      before: ({ command, nth }) => {
        if (command === 'BatchGet' && nth <= 2) throw gone();
      },
    });
    const outcomes = await atOnce(4, unlucky, earn(id));
    expect(kindsOf(outcomes)).toEqual(['committed', 'replayed', 'unavailable', 'unavailable']);
    expect(unlucky.made).toEqual(['BatchGet', 'BatchGet', 'BatchGet', 'TransactWrite']);
    expect((await read(id))?.version).toBe(2);
  });

  test('go on where the first ends in a defect', async () => {
    const broken = started({
      before: (call) => {
        if (isWrite(call) && call.nth === 1) throw new TypeError('a defect');
      },
    });
    const request = create('point-accounts', { owner: 'ada' });
    const [first, second] = await Promise.allSettled([run(broken, request), run(broken, again(request))]);
    expect(first).toMatchObject({ status: 'rejected', reason: { message: 'a defect' } });
    expect(second).toMatchObject({ status: 'fulfilled', value: { kind: 'committed' } });
  });

  test('wait no longer than their own time, and have sent nothing then', async () => {
    const request = create('point-accounts', { owner: 'ada' });
    let late: Promise<Outcome> | undefined;
    const slow = started({
      before: async () => {
        late ??= run(slow, again(request), 50);
        expect(await late).toEqual({ kind: 'in_progress' });
      },
    });
    expect(await run(slow, request)).toMatchObject({ kind: 'committed' });
    expect(slow.made).toEqual(['TransactWrite']);
  });
});

test('duplicates of several processes are one command, by the database alone', async () => {
  const id = await account();
  const request = earn(id);
  const processes = [started(), started(), started(), started()];
  const outcomes = (await Promise.all(processes.map((each) => atOnce(2, each, request)))).flat();
  expect(kindsOf(outcomes)).toEqual(['committed', ...Array.from({ length: 7 }, () => 'replayed')]);
  expect((await read(id))?.version).toBe(2);
});
