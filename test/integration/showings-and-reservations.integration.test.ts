import { beforeAll, describe, expect, it } from 'vitest';
import { idOf, verdictOf } from '../support/answers.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { createTestClock } from '../support/test-clock.ts';
import { Walk } from '../support/walk.ts';

const clock = createTestClock();
let api: TestBackend;
beforeAll(async () => {
  api = await startBackend({ clock });
});

async function showing(capacity: number, seats?: readonly string[]): Promise<string> {
  const created = await api.post('/v1/showings', {
    title: 'Evening show',
    capacity,
    ...(seats && { seats }),
  });
  return idOf(created);
}
const claim = (showingId: string, more: Readonly<Record<string, unknown>> = {}) =>
  api.post('/v1/reservations', { showingId, customer: 'ada', ...more });
const remaining = async (id: string): Promise<unknown> =>
  (await api.get(`/v1/showings/${id}`)).json['remaining'];
const transition = (reservation: string, name: string) => api.post(`/v1/reservations/${reservation}/${name}`);

describe('a showing', () => {
  it('shows what remains, which begins at its capacity', async () => {
    const id = await showing(3);
    expect((await api.get(`/v1/showings/${id}`)).json).toMatchObject({
      type: 'showing',
      status: 'open',
      capacity: 3,
      remaining: 3,
      allowedTransitions: ['close'],
    });
  });

  it('has as many seats as places, each once', async () => {
    const create = (seats: readonly string[]) =>
      api.post('/v1/showings', { title: 'Play', capacity: 2, seats });
    expect((await create(['A1', 'A2'])).status).toBe(201);
    for (const seats of [['A1'], ['A1', 'A2', 'A3'], ['A1', 'A1'], []]) {
      expect(verdictOf(await create(seats)), seats.join()).toEqual([400, 'invalid_request']);
    }
  });

  it('takes no reservations once it is closed, and lets those it has go on', async () => {
    const id = await showing(2);
    const held = idOf(await claim(id));
    expect((await api.post(`/v1/showings/${id}/close`)).json['status']).toBe('closed');
    expect(verdictOf(await claim(id))).toEqual([409, 'showing_closed']);
    expect((await transition(held, 'confirm')).status).toBe(200);
    expect((await transition(held, 'cancel')).status).toBe(200);
    expect(await remaining(id)).toBe(2);
  });
});

describe('a reservation', () => {
  it('takes a place in one transaction, and the last one is the last', async () => {
    const id = await showing(2);
    const replies = [await claim(id), await claim(id), await claim(id)];
    expect(replies.map(verdictOf)).toEqual([
      [201, undefined],
      [201, undefined],
      [409, 'sold_out'],
    ]);
    expect(await remaining(id)).toBe(0);
    const { json } = await api.get(`/v1/reservations/${idOf(replies[0] as (typeof replies)[0])}/ledger`);
    expect((json['items'] as { postings: unknown }[])[0]?.postings).toEqual([
      { account: `${id}:remaining`, unit: 'place', amount: -1 },
      { account: `${String(replies[0]?.json['id'])}:places`, unit: 'place', amount: 1 },
    ]);
  });

  it('gives its place back when it is cancelled, held or confirmed, and never twice', async () => {
    const id = await showing(2);
    const [first, second] = [idOf(await claim(id)), idOf(await claim(id))];
    await transition(second, 'confirm');
    for (const reservation of [first, second]) {
      expect((await transition(reservation, 'cancel')).json['status']).toBe('cancelled');
      expect(verdictOf(await transition(reservation, 'cancel'))).toEqual([409, 'transition_not_allowed']);
    }
    expect(await remaining(id)).toBe(2);
  });

  it('takes a seat once, and gives it back', async () => {
    const id = await showing(2, ['A1', 'A2']);
    const first = await claim(id, { seat: 'A1' });
    expect(first.status).toBe(201);
    const taken = await claim(id, { seat: 'A1' });
    expect([...verdictOf(taken), taken.json['constraint']]).toEqual([
      409,
      'already_exists',
      'seat_of_showing',
    ]);
    await transition(idOf(first), 'cancel');
    expect((await claim(id, { seat: 'A1' })).status).toBe(201);
  });

  it('names a seat where there are seats, one of them, and none where there are none', async () => {
    const [seated, standing] = [await showing(1, ['A1']), await showing(1)];
    expect(verdictOf(await claim(seated))).toEqual([422, 'unprocessable']);
    expect(verdictOf(await claim(seated, { seat: 'B9' }))).toEqual([422, 'unprocessable']);
    expect(verdictOf(await claim(standing, { seat: 'A1' }))).toEqual([422, 'unprocessable']);
    expect(verdictOf(await claim('shw_01JD2X5T9ZK4M8Q7W6V5B3N2HC'))).toEqual([422, 'unprocessable']);
  });

  it('is held for 600 seconds unless told, up to 900', async () => {
    const id = await showing(5);
    const holds = async (holdSeconds?: number): Promise<number> => {
      const { json } = await claim(id, holdSeconds === undefined ? {} : { holdSeconds });
      return (Date.parse(String(json['heldUntil'])) - Date.parse(String(json['createdAt']))) / 1000;
    };
    expect([await holds(), await holds(1), await holds(900)]).toEqual([600, 1, 900]);
    for (const holdSeconds of [0, 901]) {
      expect(verdictOf(await claim(id, { holdSeconds }))).toEqual([400, 'invalid_request']);
    }
  });

  it('runs out by itself, gives its place and seat back, and is not confirmed any more', async () => {
    const id = await showing(1, ['A1']);
    const held = idOf(await claim(id, { seat: 'A1', holdSeconds: 1 }));
    const walk = new Walk(api, clock, 'acme');
    const waiting = await walk.state(held);
    expect((await walk.runDue(waiting)).json['code']).toBe('hold_not_over');
    clock.advance(1_100);
    expect(verdictOf(await transition(held, 'confirm'))).toEqual([409, 'hold_expired']);
    expect((await walk.runDue(waiting)).json['status']).toBe('expired');
    expect(await remaining(id)).toBe(1);
    expect((await walk.runDue(waiting)).json['code']).toBe('not_due');
    expect((await claim(id, { seat: 'A1' })).status).toBe(201);
  });

  it('does not run out once it is confirmed', async () => {
    const held = idOf(await claim(await showing(1), { holdSeconds: 1 }));
    const walk = new Walk(api, clock, 'acme');
    const waiting = await walk.state(held);
    await transition(held, 'confirm');
    clock.advance(2_000);
    expect((await walk.runDue(waiting)).json['code']).toBe('not_due');
    expect((await transition(held, 'expire')).status).toBe(404);
  });
});
