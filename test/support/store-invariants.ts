/**
 * What must hold of everything that is in the tables, whatever happened (guarantees G1, G5, G6, G7, G9): read
 * from a dump, against the definitions alone. Each problem is one sentence that names its entity.
 */
import { isDeepStrictEqual } from 'node:util';
import { holdsBy, reservationsBeyond } from '../../functions/core/unique-holds.ts';
import { startsOf } from '../../functions/core/definition.ts';
import { entryHash, genesisHash } from '../../functions/core/ledger.ts';
import type { LedgerEntry } from '../../functions/core/ledger.ts';
import { ownedAccountName } from '../../functions/core/postings.ts';
import type { Registry } from '../../functions/core/registry.ts';
import { entityState, ledgerEntry } from '../../functions/store/entities/items.ts';
import type { FixedItem } from '../../functions/store/entities/fixed-attributes.ts';
import type { BalanceItem, EntityItem, EntryItem, ShareItem } from '../../functions/store/entities/items.ts';
import { shareKey, sharesIn } from '../../functions/store/entities/shares.ts';
import { balanceKeys, uniqueKey, listPartitionOf } from '../../functions/store/keys.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import { kindOf } from './table-dump.ts';
import type { Dump, Item, ItemKind } from './table-dump.ts';

export function problemsOf(registry: Registry, dump: Dump): readonly string[] {
  const items = (kind: ItemKind): readonly Item[] =>
    [...dump].filter(([key]) => kindOf(key) === kind).map(([, item]) => item);
  const fixed = new Map((items('fixed') as unknown as FixedItem[]).map((item) => [item.pk, item.attributes]));
  const entities = (items('entity') as unknown as EntityItem[]).map((item) => ({
    ...item,
    attributes: { ...item.attributes, ...fixed.get(item.pk) },
  }));
  const entries = new Map<string, LedgerEntry[]>();
  for (const item of items('entry') as unknown as EntryItem[]) {
    entries.set(item.pk, [...(entries.get(item.pk) ?? []), ledgerEntry(item)]);
  }
  const problems: string[] = [];
  const balances = new Map<string, number>();
  for (const entity of entities) {
    const ledger = (entries.get(entity.pk) ?? []).sort((a, b) => a.seq - b.seq);
    entries.delete(entity.pk);
    problems.push(...entityProblems(registry, entity, ledger).map((problem) => `${entity.id}: ${problem}`));
    for (const { account, amount } of ledger.flatMap(({ postings }) => postings)) {
      const name = JSON.stringify([entity.tenant, account]);
      balances.set(name, (balances.get(name) ?? 0) + amount);
    }
  }
  for (const pk of entries.keys()) problems.push(`${pk} has ledger entries and no entity`);
  problems.push(
    ...balanceProblems(registry, entities, items('balance') as unknown as BalanceItem[], balances),
  );
  problems.push(...claimProblems(registry, entities, items('unique')));
  problems.push(...messageProblems(entities, items('message') as unknown as MessageItem[]));
  return problems;
}

function entityProblems(registry: Registry, item: EntityItem, ledger: readonly LedgerEntry[]): string[] {
  const domain = registry.byCollection(item.collection);
  const problems: string[] = [];
  const expect = (holds: boolean, problem: string): void => {
    if (!holds) problems.push(problem);
  };
  expect(ledger.length === item.version, `version ${item.version}, but ${ledger.length} ledger entries`);
  let [hash, status, at]: [string, string | null, string] = [genesisHash, null, ''];
  for (const [index, entry] of ledger.entries()) {
    const name = `entry ${entry.seq}`;
    expect(entry.seq === index + 1, `${name} stands at place ${index + 1}`);
    expect(entry.previousHash === hash, `${name} does not follow the one before it`);
    expect(entry.hash === entryHash(item.tenant, item.id, entry), `${name} does not match its hash`);
    expect(entry.from === status, `${name} starts from ${entry.from}, not from ${status}`);
    expect(entry.at >= at, `${name} is older than the one before it`);
    const transition = domain.transitions[entry.command];
    const isLegal =
      index === 0
        ? entry.command === 'create' && startsOf(domain).includes(entry.to)
        : transition?.from.includes(status ?? '') === true && transition.to.includes(entry.to);
    expect(isLegal, `${name} goes by "${entry.command}" from ${status} to ${entry.to}`);
    const sums = new Map<string, number>();
    for (const { unit, amount } of entry.postings) sums.set(unit, (sums.get(unit) ?? 0) + amount);
    for (const [unit, sum] of sums) expect(sum === 0, `the postings of ${name} sum to ${sum} ${unit}`);
    [hash, status, at] = [entry.hash, entry.to, entry.at];
  }
  expect(item.headHash === hash, 'its head is not the hash of its last entry');
  expect(item.status === status, `its status is ${item.status}, its history ends in ${status}`);
  expect(item.createdAt === ledger[0]?.at, 'it was created at another time than its first entry');
  expect(item.updatedAt === at, 'it was updated at another time than its last entry');
  expect(item.listPk === listPartitionOf(item.tenant, item), 'it is in a wrong list');
  expect(item.listSk === item.id, 'it stands at a wrong place of its list');
  const schema = domain.hidden ? domain.attributes.extend(domain.hidden.shape) : domain.attributes;
  const { error } = schema.safeParse(item.attributes);
  expect(!error, `its attributes break their schema: ${JSON.stringify(error?.issues)}`);
  const folded = fold(ledger);
  expect(
    isDeepStrictEqual(folded, item.attributes),
    `folding its ledger gives ${JSON.stringify(folded)}, not ${JSON.stringify(item.attributes)}`,
  );
  const moments = Object.values(domain.deadlines ?? {})
    .filter((deadline) => deadline?.while.includes(item.status))
    .map((deadline) => Date.parse(String(item.attributes[deadline?.at ?? ''])))
    .filter((moment) => !Number.isNaN(moment));
  const dueAt = moments.length > 0 ? Math.min(...moments) : undefined;
  expect(item.dueAt === dueAt, `it is due at ${item.dueAt}, and should be at ${dueAt}`);
  for (const [key, { floor }] of Object.entries(domain.accounts ?? {})) {
    const balance = item.balances?.[key];
    expect(Number.isSafeInteger(balance), `account "${key}" holds ${balance}`);
    expect(!floor || (balance ?? 0) >= floor.minimum, `account "${key}" is below its floor: ${balance}`);
  }
  return problems;
}

/** The attributes as the ledger tells them: the first entry's data, then what each entry changed; `null` for none. */
function fold(ledger: readonly LedgerEntry[]): Record<string, unknown> {
  const all: Record<string, unknown> = { ...ledger[0]?.data };
  for (const { changes } of ledger) Object.assign(all, changes);
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}

function balanceProblems(
  registry: Registry,
  entities: readonly EntityItem[],
  items: readonly BalanceItem[],
  posted: ReadonlyMap<string, number>,
): string[] {
  const kept = new Map<string, number>();
  for (const { tenant, id, balances = {} } of entities) {
    for (const [key, balance] of Object.entries(balances)) {
      kept.set(JSON.stringify([tenant, ownedAccountName(id, key)]), balance);
    }
  }
  const byPartition = new Map(items.map((item) => [item.pk, item]));
  const problems = shareProblems(registry, entities, byPartition, kept);
  for (const tenant of new Set(entities.map((entity) => entity.tenant))) {
    for (const { account, pk, balance } of items) {
      if (!balanceKeys(tenant, account, registry.spreadOf(account)).some((key) => key.pk === pk)) continue;
      const name = JSON.stringify([tenant, account]);
      kept.set(name, (kept.get(name) ?? 0) + balance);
      byPartition.delete(pk);
    }
  }
  problems.push(...[...byPartition.keys()].map((pk) => `${pk} is a balance of no tenant`));
  for (const name of new Set([...kept.keys(), ...posted.keys()])) {
    const [balance, sum] = [kept.get(name) ?? 0, posted.get(name) ?? 0];
    if (balance !== sum) problems.push(`account ${name} holds ${balance}; its postings sum to ${sum}`);
  }
  return problems;
}

/**
 * The items of accounts that lie in several: each is there, keeps the floor by itself, and has the state and the lock of its
 * entity. What they hold is added to `kept`, and they are taken out of `byPartition`.
 */
function shareProblems(
  registry: Registry,
  entities: readonly EntityItem[],
  byPartition: Map<string, BalanceItem>,
  kept: Map<string, number>,
): string[] {
  const problems: string[] = [];
  for (const { tenant, id, spread, status, lock, collection } of entities) {
    for (const { key, place } of sharesIn(spread)) {
      const { pk } = shareKey(tenant, id, key, place);
      const share = byPartition.get(pk) as ShareItem | undefined;
      byPartition.delete(pk);
      const name = `${id}: share ${place} of "${key}"`;
      if (!share) {
        problems.push(`${name} is missing`);
        continue;
      }
      const account = ownedAccountName(id, key);
      if (share.account !== account) problems.push(`${name} is called ${share.account}`);
      if (share.status !== status) problems.push(`${name} is ${share.status}, and its entity ${status}`);
      if (!isDeepStrictEqual(share.lock, lock)) problems.push(`${name} has another lock than its entity`);
      const { floor } = registry.byCollection(collection).accounts?.[key] ?? {};
      if (!Number.isSafeInteger(share.balance) || (floor && share.balance < 0))
        problems.push(`${name} holds ${share.balance}`);
      const of = JSON.stringify([tenant, account]);
      kept.set(of, (kept.get(of) ?? 0) + share.balance);
    }
  }
  return problems;
}

function claimProblems(
  registry: Registry,
  entities: readonly EntityItem[],
  items: readonly Item[],
): string[] {
  const kept = new Map(items.map((item) => [item['pk'] as string, item['entity'] as string]));
  const problems: string[] = [];
  for (const entity of entities) {
    const holds = holdsBy(registry.byCollection(entity.collection), entityState(entity));
    for (const claim of reservationsBeyond(entity.id, holds, {})) {
      const { pk } = uniqueKey(entity.tenant, claim);
      if (kept.get(pk) !== entity.id) {
        problems.push(
          `${entity.id} holds ${claim.constraint}, which is kept for ${kept.get(pk) ?? 'nobody'}`,
        );
      }
      kept.delete(pk);
    }
  }
  for (const [pk, entity] of kept) problems.push(`${pk} is kept for ${entity}, who holds none`);
  return problems;
}

function messageProblems(entities: readonly EntityItem[], messages: readonly MessageItem[]): string[] {
  const versions = new Map(
    entities.map(({ tenant, id, version }) => [JSON.stringify([tenant, id]), version]),
  );
  return messages
    .filter(({ tenant, entity, seq }) => seq > (versions.get(JSON.stringify([tenant, entity])) ?? 0))
    .map(({ id }) => `${id} is a message of no command`);
}
