import { setImmediate as next } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { Turns } from '../../functions/commands/turns.ts';
import type { Turn } from '../../functions/commands/turns.ts';
import type { Deadline } from '../../functions/runtime/clock.ts';

let now: number;
let turns: Turns;
beforeEach(() => {
  now = 1_000;
  turns = new Turns(() => now);
});

/** A deadline whose end the test decides. */
function deadlineIn(remainingMs: number): Deadline & { readonly end: () => void } {
  const ends = new AbortController();
  const end = (): void => {
    ends.abort();
  };
  return { signal: ends.signal, remainingMs: () => remainingMs, end };
}

/** Asks for a turn, and notes what came of it. */
function asked(log: string[], name: string, deadline: Deadline = deadlineIn(9_000)): Promise<Turn> {
  const turn = turns.take(deadline);
  void turn.then((told) => log.push(`${name} ${told}`));
  return turn;
}

/** Turns that somebody had, one after the other. @param tookMs how long they lasted */
async function lasted(...tookMs: readonly number[]): Promise<void> {
  for (const ms of tookMs) {
    await turns.take(deadlineIn(9_000));
    now += ms;
    turns.pass();
  }
}

describe('turns', () => {
  it('go to one at a time, in the order in which they were asked for', async () => {
    const log: string[] = [];
    for (const name of ['a', 'b', 'c']) void asked(log, name);
    await next();
    expect(log).toEqual(['a own']);
    turns.pass();
    await next();
    expect(log).toEqual(['a own', 'b passed']);
    void asked(log, 'd');
    turns.pass();
    await next();
    turns.pass();
    await next();
    expect(log).toEqual(['a own', 'b passed', 'c passed', 'd passed']);
    turns.pass();
    expect(await turns.take(deadlineIn(9_000))).toBe('own');
  });

  it('are nobody’s where nobody has one: passing it on gives no second one away', async () => {
    await lasted(...Array<number>(8).fill(100));
    turns.pass();
    expect(await turns.take(deadlineIn(9_000))).toBe('own');
    const log: string[] = [];
    // It is no ninth turn, by which one would know how long they take.
    void asked(log, 'b', deadlineIn(1));
    await next();
    expect(log).toEqual([]);
  });

  it('are waited for until the deadline, which takes who waits out of the queue', async () => {
    const log: string[] = [];
    const short = deadlineIn(9_000);
    void asked(log, 'a');
    void asked(log, 'b', short);
    void asked(log, 'c');
    short.end();
    await next();
    expect(log).toEqual(['a own', 'b late']);
    turns.pass();
    await next();
    expect(log).toEqual(['a own', 'b late', 'c passed']);
    // A deadline that passes after the turn came takes nothing back, and lets nobody else in.
    void asked(log, 'd');
    short.end();
    await next();
    expect(log).toHaveLength(3);
  });

  it('are kept when the deadline passes just after they came', async () => {
    const log: string[] = [];
    const short = deadlineIn(9_000);
    void asked(log, 'a');
    const second = asked(log, 'b', short);
    void asked(log, 'c');
    turns.pass();
    short.end();
    expect(await second).toBe('passed');
    await next();
    expect(log).toEqual(['a own', 'b passed']);
  });

  it('are not waited for by who comes after the deadline', async () => {
    await turns.take(deadlineIn(9_000));
    const over = deadlineIn(9_000);
    over.end();
    expect(await turns.take(over)).toBe('late');
    expect(await turns.take(deadlineIn(0))).toBe('late');
  });
});

describe('who asks for a turn', () => {
  it('is told at once where those before will take until the deadline, by what turns took lately', async () => {
    await lasted(1, 1, 1, 1, 100, 800, 800, 800, 800);
    const log: string[] = [];
    void asked(log, 'a');
    // One turn is before it, and then two.
    void asked(log, 'b', deadlineIn(100));
    void asked(log, 'c', deadlineIn(101));
    void asked(log, 'd', deadlineIn(200));
    void asked(log, 'e', deadlineIn(201));
    await next();
    expect(log).toEqual(['a own', 'b late', 'd late']);
  });

  it('waits where too few turns have ended: the first ones of a crowd are slow', async () => {
    await lasted(...Array<number>(8).fill(8_000));
    const log: string[] = [];
    void asked(log, 'a');
    void asked(log, 'b', deadlineIn(1));
    await next();
    expect(log).toEqual(['a own']);
  });

  it('hears of turns that become slower, and of ones that become faster, by the last nine', async () => {
    await lasted(...Array<number>(9).fill(100), 200, 200, 200, 200);
    await turns.take(deadlineIn(9_000));
    expect(await turns.take(deadlineIn(100))).toBe('late');
    now += 200;
    turns.pass();
    await turns.take(deadlineIn(9_000));
    expect(await turns.take(deadlineIn(200))).toBe('late');
    turns.pass();
    await lasted(50, 50, 50, 50);
    await turns.take(deadlineIn(9_000));
    expect(await turns.take(deadlineIn(50))).toBe('late');
    const waits = asked([], 'b', deadlineIn(51));
    turns.pass();
    expect(await waits).toBe('passed');
  });
});
