/** Vaults, from which everybody draws: an account of an entity that lies in several items once it is wanted. */
import { randomUUID } from 'node:crypto';
import { defineDomain } from '../../functions/core/definition.ts';
import type { Domain } from '../../functions/core/definition.ts';
import { amount, integer, reference } from '../../functions/core/fields.ts';
import { accountOf, named, own, transfer } from '../../functions/core/postings.ts';
import { heldIn } from '../../functions/core/shares.ts';
import { readEntity } from '../../functions/store/entities/reads.ts';
import { idOf } from './answers.ts';
import { startBackend } from './backend.ts';
import type { Reply, RequestOptions, TestBackend, TestBackendOptions } from './backend.ts';
import { conflictAt } from './command-processes.ts';
import { intercept } from './sdk-faults.ts';
import { problemsOf } from './store-invariants.ts';
import { dump } from './table-dump.ts';

/** Over so many items the gold of a vault is spread. */
export const items = 4;

const input = { sum: amount(5) };
const outside = named('outside', 'world', 'gold');

export const vaults = defineDomain({
  collection: 'vaults',
  type: 'vault',
  idPrefix: 'vlt',
  summary: 'Gold that everybody may draw.',
  states: ['open', 'closed'],
  attributes: { size: integer(1, 9, 2) },
  accounts: {
    gold: {
      unit: 'gold',
      shown: true,
      spread: items,
      floor: { minimum: 0, code: 'too_little', otherwise: 'So much is not in it.' },
    },
  },
  create: {
    summary: 'Begin',
    input: { size: integer(1, 9, 2), ...input },
    set: ({ input: { size } }) => ({ size }),
    transfers: ({ input: { sum } }) => transfer(outside, own('gold'), sum),
  },
  transitions: {
    fill: {
      summary: 'Put more in',
      from: ['open'],
      input,
      transfers: ({ input: { sum } }) => transfer(outside, own('gold'), sum),
    },
    skim: {
      summary: 'Take some out',
      from: ['open'],
      input,
      transfers: ({ input: { sum } }) => transfer(own('gold'), outside, sum),
    },
    close: { summary: 'Let nobody draw', from: ['open'], to: ['closed'] },
  },
});

export const draws = defineDomain({
  collection: 'draws',
  type: 'draw',
  idPrefix: 'drw',
  summary: 'Gold drawn from a vault.',
  states: ['drawn', 'returned'],
  attributes: { vault: reference('vaults', 'vlt'), ...input },
  accounts: { gold: { unit: 'gold' } },
  create: {
    summary: 'Draw',
    input: { vault: reference('vaults', 'vlt'), ...input },
    references: {
      vault: {
        of: vaults,
        id: ({ input: { vault } }) => vault,
        rules: { vault_closed: { path: 'status', is: 'open', otherwise: 'Nobody draws from it.' } },
      },
    },
    transfers: ({ input: { vault, sum } }) => transfer(accountOf(vaults, vault, 'gold'), own('gold'), sum),
  },
  transitions: {
    return: {
      summary: 'Put it back',
      from: ['drawn'],
      to: ['returned'],
      transfers: ({ entity: { vault, sum } }) => transfer(own('gold'), accountOf(vaults, vault, 'gold'), sum),
    },
  },
});

export const vaultDomains: readonly Domain[] = [vaults, draws];

/** A process on the tables of another one, and what it asks the database. */
export interface VaultProcess {
  readonly api: TestBackend;
  /** Its requests to the database, by name. */
  readonly made: string[];
  /** So many of its next transactions that write meet another one at an item. */
  meet(times: number): void;
  /** What happens before its next transaction that writes, or before the nth of them from now on. */
  interrupt(by: () => Promise<unknown>, nth?: number): void;
}

export async function vaultProcess(options: TestBackendOptions = {}): Promise<VaultProcess> {
  const made: string[] = [];
  let meetings = 0;
  /** Before which of its next transactions that write something happens; none at 0. */
  let interruptedAt = 0;
  let interruption = (): Promise<unknown> => Promise.resolve();
  const api = await startBackend({
    domains: vaultDomains,
    ...options,
    prepare: (client) => {
      options.prepare?.(client);
      intercept(client, {
        before: async ({ command }) => {
          const name = command.replace(/(?:Item|Items)?Command$/, '');
          made.push(name);
          if (name !== 'TransactWrite') return;
          if (interruptedAt > 0) {
            interruptedAt -= 1;
            if (interruptedAt === 0) await interruption();
          }
          if (meetings === 0) return;
          meetings -= 1;
          throw conflictAt(1);
        },
      });
    },
  });
  return {
    api,
    made,
    meet: (times) => {
      meetings = times;
    },
    interrupt: (by, nth = 1) => {
      interruption = by;
      interruptedAt = nth;
    },
  };
}

export const begin = async ({ api }: VaultProcess, sum: number): Promise<string> =>
  idOf(await api.post('/v1/vaults', { size: 1, sum }));

export const draw = (
  { api }: VaultProcess,
  vault: string,
  sum: number,
  { key = randomUUID(), ...more }: RequestOptions = {},
): Promise<Reply> => api.post('/v1/draws', { vault, sum }, { key, ...more });

/** A vault whose gold lies in several items, one of which has been drawn: a draw met others there twice. */
export async function spreadVault(of: VaultProcess, sum: number): Promise<string> {
  const vault = await begin(of, sum + 1);
  of.meet(2);
  const { status } = await draw(of, vault, 1);
  if (status !== 201) throw new Error(`a draw was answered ${status}`);
  return vault;
}

/** What each item of a vault holds, the vault's own first. */
export async function heldBy({ api: { backend } }: VaultProcess, vault: string): Promise<readonly number[]> {
  const entity = await readEntity(backend.store, 'acme', vault, AbortSignal.timeout(10_000));
  if (!entity) throw new Error(`there is no ${vault}`);
  return heldIn(entity, 'gold');
}

/** What is wrong in the tables. */
export const problemsIn = async ({ api: { backend } }: VaultProcess): Promise<readonly string[]> =>
  problemsOf(backend.registry, await dump(backend.store));
