/** A store knows the definitions that it was last used with: a function's first call and the deployment compare with them. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Domain } from '../../functions/core/definition.ts';
import { text } from '../../functions/core/fields.ts';
import { afterFirstCall } from '../../functions/evolution/first-call.ts';
import type { Snapshot } from '../../functions/evolution/snapshot.ts';
import { readLiveDefinitions, writeLiveDefinitions } from '../../functions/store/live-definitions.ts';
import type { Store } from '../../functions/store/store.ts';
import { passesGate } from '../../infra/tools/evolve/gate.ts';
import { startBackend } from '../support/backend.ts';
import { later } from '../support/changing-domain.ts';
import { changed, live as first } from '../support/domain-changes.ts';
import { silent } from '../support/outbox.ts';
import { intercept } from '../support/sdk-faults.ts';

const second = later(changed.attributes({ tier: text('gold').optional() }), first);
const clubs: Domain = { ...first, collection: 'clubs', type: 'club', idPrefix: 'clb' };
const refused = later(changed.attributes({}, 'note'), first);
const twoSteps = later(changed.attributes({ note: text('a note') }), first);

let store: Store;
let warned: string[];
let requests: string[];
beforeEach(async () => {
  ({ store } = (await startBackend({ domains: [first] })).backend);
  warned = [];
  requests = [];
  store.client.middlewareStack.add(
    (next, { commandName = '' }) =>
      (args) => {
        requests.push(commandName);
        return next(args);
      },
    { step: 'initialize' },
  );
});

const log = {
  ...silent,
  warn: (message: unknown, ...more: unknown[]) => {
    warned.push(JSON.stringify([message, ...more]));
  },
};

/** A function of its own, which answers its calls with 'done'. */
const functionOf = (domains: readonly Domain[], anyway = false) =>
  afterFirstCall(() => Promise.resolve('done'), { store, domains, anyway, log });
const live = async () => (await readLiveDefinitions<Snapshot>(store)).versions;

describe('the first call of a function', () => {
  it('notes the definitions where there were none, and asks no more', async () => {
    const call = functionOf([first]);
    expect([await call(), await call()]).toEqual(['done', 'done']);
    expect(requests).toEqual(['GetItemCommand', 'PutItemCommand']);
    expect(await live()).toEqual({ members: 1 });
  });

  it('costs one read where nothing differs', async () => {
    await functionOf([first])();
    requests = [];
    warned = [];
    const call = functionOf([first]);
    await call();
    await call();
    expect([requests, warned]).toEqual([['GetItemCommand'], []]);
  });

  it('makes a later version the live one and says what differs; the older one goes on beside it', async () => {
    await functionOf([first])();
    warned = [];
    expect(await functionOf([second, clubs])()).toBe('done');
    expect(warned.join()).toMatch(/safe: attributes.tier/);
    expect(await live()).toEqual({ clubs: 1, members: 2 });
    warned = [];
    expect(await functionOf([first])()).toBe('done');
    expect(warned.join()).toMatch(/version 2 is live.*"clubs"/);
    expect(await live()).toEqual({ clubs: 1, members: 2 });
  });

  it('stops a version that would break what lives, until it is told to go on', async () => {
    await functionOf([first])();
    const call = functionOf([refused]);
    await expect(call()).rejects.toThrow(/REFUSED: attributes.note[^]*evolve=anyway/);
    await expect(call()).rejects.toThrow(/REFUSED/);
    expect(await live()).toEqual({ members: 1 });
    expect(await functionOf([refused], true)()).toBe('done');
    expect(await live()).toEqual({ members: 2 });
  });

  it('lets every function of one release begin, whoever is first', async () => {
    const calls = Array.from({ length: 4 }, () => functionOf([first])());
    expect(await Promise.all(calls)).toEqual(['done', 'done', 'done', 'done']);
    expect((await readLiveDefinitions(store)).revision).toBe(1);
  });

  it('goes on where the store does not answer, and asks it again with the next one', async () => {
    const broken: Store = { ...store, tables: { ...store.tables, data: 'not-there' } };
    const first2 = { store: broken, domains: [first], anyway: false, log };
    const call = afterFirstCall(() => Promise.resolve('done'), first2);
    expect([await call(), await call()]).toEqual(['done', 'done']);
    expect(warned).toHaveLength(2);
  });
});

describe('the definitions of a store', () => {
  const members = (version: number) => [
    { collection: 'members', version, states: ['active'], formerStates: ['asleep'] },
  ];

  it('are written once a revision, by whoever is first', async () => {
    expect(await writeLiveDefinitions(store, 1, members(9))).toBe(false);
    expect(await writeLiveDefinitions(store, 0, members(1))).toBe(true);
    expect(await writeLiveDefinitions(store, 0, members(9))).toBe(false);
    expect(await writeLiveDefinitions(store, 1, members(2))).toBe(true);
    expect(await writeLiveDefinitions(store, 1, members(9))).toBe(false);
    const { revision, versions, snapshots } = await readLiveDefinitions(store);
    expect({ revision, versions }).toEqual({ revision: 2, versions: { members: 2 } });
    expect(snapshots()).toEqual(members(2));
  });

  it('are none before that, and are read as they are now', async () => {
    const asked: unknown[] = [];
    intercept(store.client, { before: ({ input }) => void asked.push(input) });
    const { revision, versions, snapshots } = await readLiveDefinitions(store);
    expect({ revision, versions, snapshots: snapshots() }).toEqual({
      revision: 0,
      versions: {},
      snapshots: [],
    });
    expect(asked).toMatchObject([{ ConsistentRead: true }]);
  });

  it('that cannot be written for another reason are told of', async () => {
    const broken: Store = { ...store, tables: { ...store.tables, data: 'not-there' } };
    await expect(writeLiveDefinitions(broken, 0, members(1))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });
});

describe('the gate of a deployment', () => {
  const told: string[] = [];
  const passes = async (domains: readonly Domain[]): Promise<boolean> => {
    told.length = 0;
    return passesGate(store, domains, (line) => told.push(line));
  };
  beforeEach(async () => {
    expect([await passesGate(undefined, [first], () => undefined), await passes([first])]).toEqual([
      true,
      true,
    ]);
    await functionOf([first])();
  });

  it('lets through what is safe, or safe in two steps, and stops what is refused', async () => {
    expect([await passes([first]), await passes([second]), await passes([twoSteps])]).toEqual([
      true,
      true,
      true,
    ]);
    expect(await passes([refused])).toBe(false);
    expect(told.join('\n')).toMatch(/REFUSED: attributes.note[^]*Instead: [^]*not to be released: members/);
    expect(await live()).toEqual({ members: 1 });
  });

  it('stops two releases that took one number, and a collection that is gone', async () => {
    await functionOf([second, clubs])();
    expect(await passes([later(changed.attributes({ rank: text('a').optional() }), first), clubs])).toBe(
      false,
    );
    expect(await passes([second])).toBe(false);
  });

  it('lets a release go back over what was safe, and over nothing else', async () => {
    await functionOf([second])();
    expect(await passes([first])).toBe(true);
    const third = later(changed.attributes({ tier: text('gold'), note: text('a note') }), second);
    await functionOf([third])();
    expect(await passes([second])).toBe(false);
  });
});
