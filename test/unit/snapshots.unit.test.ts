import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { domains } from '../../functions/application.ts';
import { failOf } from '../../functions/core/check-definition.ts';
import { checkFieldExamples } from '../../functions/core/check-example.ts';
import { snapshotOf } from '../../functions/evolution/snapshot.ts';
import { differences } from '../../functions/evolution/differences.ts';
import { readSnapshots } from '../../infra/tools/evolve/snapshots.ts';
import { later } from '../support/changing-domain.ts';

it('the definitions are those that were agreed to: npm run evolve', async () => {
  const found = differences(domains, await readSnapshots());
  expect(found.map(({ collection, changes }) => [collection, ...changes.map(({ path }) => path)])).toEqual(
    [],
  );
});

it('a definition of another version, a new one and one that is gone are told', async () => {
  const snapshots = await readSnapshots();
  const [first, second] = domains;
  if (!first || !second) throw new Error('there are no definitions');
  const changed = [later({ summary: 'Changed', type: 'other' }, first), second];
  const [one, ...others] = differences(changed, snapshots);
  expect(one).toMatchObject({ collection: first.collection, version: (first.version ?? 1) + 1 });
  expect(one?.changes.map(({ path }) => path)).toEqual(['type']);
  expect(others.map(({ collection }) => collection).sort()).toEqual(
    domains
      .slice(2)
      .map(({ collection }) => collection)
      .sort(),
  );
  const live = snapshots.filter(({ collection }) => collection !== first.collection);
  expect(differences(domains, live).map(({ collection }) => collection)).toEqual([first.collection]);
});

it('a snapshot is written as it is read', async () => {
  for (const domain of domains) {
    const file = new URL(`../../infra/tools/evolve/snapshots/${domain.collection}.json`, import.meta.url);
    expect(await readFile(file, 'utf8')).toBe(`${JSON.stringify(snapshotOf(domain), undefined, 2)}\n`);
  }
});

it('the number of a release that was taken back may be passed over', async () => {
  const [first] = domains;
  if (!first) throw new Error('there are no definitions');
  const version = (first.version ?? 1) + 4;
  const found = differences([{ ...first, type: 'other', version }], await readSnapshots());
  expect(found.find(({ collection }) => collection === first.collection)?.version).toBe(version);
});

it('definitions that make no sense are refused before any change of them is judged', async () => {
  const [first, second] = domains;
  if (!first || !second) throw new Error('there are no definitions');
  const snapshots = await readSnapshots();
  const both = [first, { ...second, idPrefix: first.idPrefix }];
  expect(() => differences(both, snapshots)).toThrow(`begin their ids with "${first.idPrefix}"`);
});

it('a field without an example is told, with its place and the cure', () => {
  const [, second] = domains;
  if (!second) throw new Error('there are no definitions');
  const bare = { ...second, create: { ...second.create, input: z.strictObject({ day: z.iso.date() }) } };
  expect(() => {
    checkFieldExamples(bare, failOf(bare));
  }).toThrow(`definition "${second.collection}", create, field "day": it has no example`);
});
