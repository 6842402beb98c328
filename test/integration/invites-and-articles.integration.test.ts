import { beforeAll, describe, expect, it } from 'vitest';
import { idOf, itemsOf, verdictOf } from '../support/answers.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { dump } from '../support/table-dump.ts';
import { createTestClock } from '../support/test-clock.ts';
import { Walk } from '../support/walk.ts';

const clock = createTestClock();
let api: TestBackend;
beforeAll(async () => {
  api = await startBackend({ clock });
});

let guests = 0;
const newAddress = (): string => `guest${(guests += 1)}@example.com`;
const invite = (email: string, workspace = 'press') =>
  api.post('/v1/invites', { workspace, email, role: 'editor' });
const command = (id: string, name: string, body?: unknown) => api.post(`/v1/invites/${id}/${name}`, body);

/** The code, from where its mail is written. */
async function codeOf(id: string): Promise<string> {
  const message = [...(await dump(api.backend.store)).values()].find(
    (item) => item['entity'] === id && item['payload'],
  );
  const { text } = JSON.parse(String(message?.['payload'])) as { text: string };
  return text.split(' ').at(-1) ?? '';
}

describe('an invite', () => {
  it('is accepted with the code of its mail, once', async () => {
    const id = idOf(await invite(newAddress()));
    const code = await codeOf(id);
    expect(verdictOf(await command(id, 'accept', { code: 'x' }))).toEqual([409, 'wrong_code']);
    const almost = (code.startsWith('A') ? 'B' : 'A') + code.slice(1);
    expect(verdictOf(await command(id, 'accept', { code: almost }))).toEqual([409, 'wrong_code']);
    expect((await command(id, 'accept', { code })).json['status']).toBe('accepted');
    expect(verdictOf(await command(id, 'accept', { code }))).toEqual([409, 'transition_not_allowed']);
  });

  it('shows its code to nobody: not in an answer, a list, a ledger, a message or a kept answer', async () => {
    const created = await invite(newAddress());
    const id = idOf(created);
    const code = await codeOf(id);
    const accepted = await command(id, 'accept', { code });
    const path = `/v1/invites/${id}`;
    const seen = [created, accepted, await api.get(path), await api.get('/v1/invites?limit=100')];
    seen.push(
      await api.get(`${path}/ledger`),
      await api.get(`${path}/messages`),
      await api.get('/v1/messages?limit=100'),
    );
    for (const { text } of seen) expect(text).not.toContain(code);
    const kept = [...(await dump(api.backend.store))].filter(([, item]) =>
      JSON.stringify(item).includes(code),
    );
    // It stands in the mail that is still to be sent, and nowhere else.
    expect(kept.map(([, item]) => [item['entity'], item['sensitive']])).toEqual([[id, true]]);
    for (const { json } of seen.slice(0, 3)) expect(json).not.toHaveProperty('codeFingerprint');
  });

  it('is the only open one of its workspace and address, whatever the case', async () => {
    const email = newAddress();
    const first = await invite(email);
    const again = await invite(email.toUpperCase());
    expect([...verdictOf(again), again.json['constraint']]).toEqual([409, 'already_exists', 'open_invite']);
    expect((await invite(email, 'another workspace')).status).toBe(201);
    await command(idOf(first), 'revoke');
    const next = await invite(email.toUpperCase());
    expect(next.json).toMatchObject({ email: email.toUpperCase(), status: 'pending' });
    const { validUntil } = next.json;
    const walk = new Walk(api, clock, 'acme');
    clock.moveTo(Date.parse(String(validUntil)));
    expect((await walk.runDue(await walk.state(idOf(next)))).json['status']).toBe('expired');
    const last = await invite(email);
    await command(idOf(last), 'accept', { code: await codeOf(idOf(last)) });
    expect((await invite(email)).status).toBe(201);
  });

  it('runs out by itself after 14 days, and not because somebody asks', async () => {
    const id = idOf(await invite(newAddress()));
    expect((await api.get(`/v1/invites/${id}`)).json['allowedTransitions']).toEqual(['accept', 'revoke']);
    expect(verdictOf(await command(id, 'expire'))).toEqual([404, 'not_found']);
    const walk = new Walk(api, clock, 'acme');
    expect((await walk.runDue(await walk.state(id))).json['code']).toBe('invite_not_over');
    clock.advance(14 * 24 * 60 * 60 * 1000 + 1);
    expect((await walk.runDue(await walk.state(id))).json['status']).toBe('expired');
    expect(verdictOf(await command(id, 'revoke'))).toEqual([409, 'transition_not_allowed']);
  });

  it('is not accepted any more when its time is over, whether it has run out yet or not', async () => {
    const [late, inTime] = [idOf(await invite(newAddress())), idOf(await invite(newAddress()))];
    const [lateCode, code] = [await codeOf(late), await codeOf(inTime)];
    const { json } = await api.get(`/v1/invites/${late}`);
    const end = Date.parse(String(json['validUntil']));
    expect((await clock.at(end - 1, () => command(inTime, 'accept', { code }))).status).toBe(200);
    clock.moveTo(end);
    expect(verdictOf(await command(late, 'accept', { code: lateCode }))).toEqual([409, 'invite_expired']);
  });

  it.each([
    'a',
    'a@b',
    '@example.com',
    'a b@example.com',
    'ada@example.com\r\nBcc: eve@example.com',
    `${'a'.repeat(250)}@b.co`,
  ])('is not sent to %j', async (email) => {
    expect(verdictOf(await invite(email))).toEqual([400, 'invalid_request']);
  });
});

describe('an article', () => {
  const write = (slug: string, body = 'It works.\nEvery time.') =>
    api.post('/v1/articles', { slug, title: 'Hello, world', body });

  it('is published, with a summary asked for, and archived', async () => {
    const created = await write('hello');
    const path = `/v1/articles/${idOf(created)}`;
    expect(verdictOf(await api.post(`${path}/archive`))).toEqual([409, 'transition_not_allowed']);
    expect((await api.post(`${path}/publish`)).json).toMatchObject({
      status: 'published',
      allowedTransitions: ['archive'],
    });
    expect(itemsOf(await api.get(`${path}/messages`)).map(({ topic }) => topic)).toEqual(['llm']);
    expect((await api.post(`${path}/archive`)).json).toMatchObject({
      status: 'archived',
      allowedTransitions: [],
    });
    expect(verdictOf(await api.post(`${path}/publish`))).toEqual([409, 'transition_not_allowed']);
  });

  it('has a slug of its own, for ever', async () => {
    const path = `/v1/articles/${idOf(await write('once'))}`;
    await api.post(`${path}/publish`);
    await api.post(`${path}/archive`);
    const again = await write('once');
    expect([...verdictOf(again), again.json['constraint']]).toEqual([409, 'already_exists', 'article_slug']);
    expect((await write('Once')).status).toBe(201);
    expect(
      (await api.post('/v1/articles', { slug: 'once', title: 't', body: 'b' }, { tenant: 'globex' })).status,
    ).toBe(201);
  });

  it('holds 20,000 characters of any script, in each of its states', async () => {
    const body = '界'.repeat(20_000);
    const created = await write('long', body);
    expect(created.status).toBe(201);
    const published = await api.post(`/v1/articles/${idOf(created)}/publish`);
    expect([published.status, published.json['body']]).toEqual([200, body]);
    expect(verdictOf(await write('too-long', 'x'.repeat(20_001)))).toEqual([400, 'invalid_request']);
  });
});
