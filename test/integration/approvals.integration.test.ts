import { beforeAll, describe, expect, it } from 'vitest';
import { idOf, itemsOf, verdictOf } from '../support/answers.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';

let api: TestBackend;
beforeAll(async () => {
  api = await startBackend();
});

const create = (approvers: readonly string[], quorum: number) =>
  api.post('/v1/approvals', { title: 'Buy a new press', approvers, quorum });

async function submitted(approvers: readonly string[], quorum: number): Promise<string> {
  const path = `/v1/approvals/${idOf(await create(approvers, quorum))}`;
  expect((await api.post(`${path}/submit`)).json['status']).toBe('submitted');
  return path;
}
const vote = (path: string, subject: string, name = 'approve') =>
  api.post(`${path}/${name}`, undefined, { subject });

describe('an approval', () => {
  it('is approved when the quorum has voted for it, each once', async () => {
    const path = await submitted(['bob', 'carol', 'dave'], 2);
    const first = await vote(path, 'bob');
    expect(first.json).toMatchObject({ status: 'submitted', approvedBy: ['bob'] });
    expect(verdictOf(await vote(path, 'bob'))).toEqual([409, 'already_voted']);
    expect(verdictOf(await vote(path, 'bob', 'reject'))).toEqual([409, 'already_voted']);
    const second = await vote(path, 'carol');
    expect(second.json).toMatchObject({
      status: 'approved',
      approvedBy: ['bob', 'carol'],
      allowedTransitions: [],
    });
    expect(verdictOf(await vote(path, 'dave'))).toEqual([409, 'transition_not_allowed']);
  });

  it('counts each of many votes at once, and no vote of one person twice', async () => {
    const approvers = ['bob', 'carol', 'dave', 'erin', 'frank'];
    const path = await submitted(approvers, 5);
    const replies = await Promise.all([...approvers, ...approvers].map((subject) => vote(path, subject)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(5);
    const { json } = await api.get(path);
    expect(json['status']).toBe('approved');
    expect([...(json['approvedBy'] as string[])].sort()).toEqual(approvers);
  });

  it('lets an approver vote whose name is as long as a name may be', async () => {
    for (const name of ['x'.repeat(256), '😀'.repeat(256)]) {
      const voted = await vote(await submitted([name], 1), name);
      expect(voted.json).toMatchObject({ status: 'approved', approvedBy: [name] });
    }
  });

  it('hears nobody else, whatever its status', async () => {
    const path = await submitted(['bob'], 1);
    for (const name of ['approve', 'reject']) {
      expect(verdictOf(await vote(path, 'eve', name))).toEqual([403, 'not_an_approver']);
    }
    await vote(path, 'bob');
    expect(verdictOf(await vote(path, 'eve'))).toEqual([403, 'not_an_approver']);
    // A right may be given later, so this refusal is not kept under its key.
    const key = 'asked-by-somebody-else';
    const send = () => api.post(`${path}/approve`, undefined, { subject: 'eve', key });
    expect((await send()).headers['idempotent-replayed']).toBeUndefined();
    expect((await send()).headers['idempotent-replayed']).toBeUndefined();
  });

  it('ends with one vote against it', async () => {
    const path = await submitted(['bob', 'carol'], 2);
    expect((await vote(path, 'carol', 'reject')).json['status']).toBe('rejected');
    expect(verdictOf(await vote(path, 'bob'))).toEqual([409, 'transition_not_allowed']);
  });

  it('may be withdrawn until it is decided', async () => {
    const drafted = `/v1/approvals/${idOf(await create(['bob'], 1))}`;
    expect((await api.post(`${drafted}/withdraw`)).json['status']).toBe('withdrawn');
    const path = await submitted(['bob'], 1);
    expect((await api.post(`${path}/withdraw`)).json['status']).toBe('withdrawn');
    const decided = await submitted(['bob'], 1);
    await vote(decided, 'bob');
    expect(verdictOf(await api.post(`${decided}/withdraw`))).toEqual([409, 'transition_not_allowed']);
  });

  it('is submitted and withdrawn by who created it and nobody else, whatever its status', async () => {
    const owned = await create(['bob'], 1);
    expect(owned.json['owner']).toBe('alice');
    const path = `/v1/approvals/${idOf(owned)}`;
    for (const subject of ['bob', 'eve']) {
      for (const name of ['submit', 'withdraw']) {
        expect(verdictOf(await vote(path, subject, name))).toEqual([403, 'not_the_owner']);
      }
    }
    expect((await vote(path, 'alice', 'submit')).json['status']).toBe('submitted');
    expect(verdictOf(await vote(path, 'bob', 'withdraw'))).toEqual([403, 'not_the_owner']);
    expect((await vote(path, 'alice', 'withdraw')).json['status']).toBe('withdrawn');
    // Who may not hears no more of it than that.
    for (const name of ['submit', 'withdraw']) {
      expect(verdictOf(await vote(path, 'eve', name))).toEqual([403, 'not_the_owner']);
    }
  });

  it('asks for a summary and tells each approver, up to 20', async () => {
    const approvers = Array.from({ length: 20 }, (_, index) => `approver ${index}`);
    const path = await submitted(approvers, 20);
    const messages = itemsOf(await api.get(`${path}/messages?limit=100`));
    expect(messages.map(({ topic }) => topic)).toEqual(['llm', ...approvers.map(() => 'notification')]);
  });

  it('has 1 to 20 approvers, each once, and a quorum of 1 to all of them', async () => {
    const names = Array.from({ length: 21 }, (_, index) => `approver ${index}`);
    const cases: [readonly string[], number][] = [
      [[], 1],
      [names, 1],
      [['bob', 'bob'], 1],
      [['bob'], 0],
      [['bob'], 2],
    ];
    for (const [approvers, quorum] of cases) {
      expect(verdictOf(await create(approvers, quorum))).toEqual([400, 'invalid_request']);
    }
  });
});
