/**
 * An account of an entity that lies in several items, under faults: every AWS call of every command that posts to it, or
 * changes the state that its items have, with every fault at that call (`npm test` takes two of the commands). And builds
 * that are broken on purpose.
 */
import { randomUUID } from 'node:crypto';
import { describe, test } from 'vitest';
import { idOf } from '../support/answers.ts';
import { everyFault } from '../support/faults/every-fault.ts';
import type { CommandCase, Ready } from '../support/faults/commands.ts';
import { guarantee, inLab } from '../support/faults/guarantee.ts';
import type { Lab, Process } from '../support/faults/lab.ts';
import { isFullScope } from '../support/faults/scope.ts';
import { kindOf, transactions, unconditional } from '../support/faults/mutants.ts';
import { layOut } from '../support/laid-out.ts';
import { vaultDomains } from '../support/vaults.ts';
import type { Walk } from '../support/walk.ts';

/** A vault with these items, and the request that is made of it. */
const after =
  (
    held: readonly number[],
    asked: (walk: Walk, vault: string) => Promise<readonly [path: string, body?: unknown]>,
  ) =>
  async (walk: Walk): Promise<Ready> => {
    const { api, tenant } = walk;
    const sum = held.reduce((total, each) => total + each, 0);
    const vault = idOf(await api.post('/v1/vaults', { size: 1, sum }, { tenant }));
    await layOut(api, tenant, vault, held);
    const [path, body] = await asked(walk, vault);
    const more = { tenant, subject: 'alice', key: randomUUID(), headers: {} };
    return { is: 'request', request: { method: 'POST', path, body, ...more } };
  };

const drawing = (sum: number) => (_: Walk, vault: string) =>
  Promise.resolve(['/v1/draws', { vault, sum }] as const);
const ofVault = (name: string, body?: unknown) => (_: Walk, vault: string) =>
  Promise.resolve([`/v1/vaults/${vault}/${name}`, body] as const);

const prepared: Readonly<Record<string, CommandCase['prepare']>> = {
  'a draw that finds nothing in the first item': after([0, 9, 9, 9], drawing(5)),
  'a draw of what no item has alone': after([4, 4, 4, 4], drawing(9)),
  'a draw of more than all have': after([4, 4, 4, 4], drawing(17)),
  'what was drawn is put back': after([0, 9, 9, 9], async ({ api, tenant }, vault) => {
    const draw = await api.post('/v1/draws', { vault, sum: 5 }, { tenant });
    return [`/v1/draws/${idOf(draw)}/return`];
  }),
  'its own command takes what it does not have alone': after([4, 4, 4, 4], ofVault('skim', { sum: 9 })),
  'its state changes': after([4, 4, 4, 4], ofVault('close')),
  'it is locked': after([4, 4, 4, 4], ofVault('lock', { ttlSeconds: 60, wait: 'wait' })),
};

/** The calls of the others are among theirs. */
const inShort = ['a draw of what no item has alone', 'a draw of more than all have'];

describe('every fault', () => {
  const cases = Object.entries(prepared)
    .filter(([name]) => isFullScope || inShort.includes(name))
    .map(([name, prepare]) => ({ domain: 'spread accounts', domains: vaultDomains, name, prepare }));
  test.for(cases)('$domain: $name', everyFault);
});

const post = (lab: Lab, process: Process, path: string, body?: unknown): Promise<unknown> => {
  const [tenant, subject, key, headers] = ['acme', 'alice', randomUUID(), {}];
  return lab.send(process, { method: 'POST', path, tenant, subject, key, body, headers });
};

/** Draws from every item of a vault, more than is in it, and once more when it is closed. */
const drawn = inLab(
  async (lab) => {
    const [one, other] = [await lab.start(), await lab.start()];
    const vault = idOf(await lab.clean.post('/v1/vaults', { size: 1, sum: 20 }));
    await layOut(lab.clean, 'acme', vault, [0, 6, 7, 7]);
    const draw = (process: Process, sum: number) => post(lab, process, '/v1/draws', { vault, sum });
    // It finds nothing in the vault's own item, and knows the others from then on.
    await draw(one, 1);
    // So each of these goes to another item, and none of them has as much.
    await Promise.all([8, 8, 8, 8].map((sum) => draw(one, sum)));
    await post(lab, one, `/v1/vaults/${vault}/fill`, { sum: 20 });
    await Promise.all([1, 2, 3, 4, 5, 6].map((sum, n) => draw(n % 2 === 0 ? one : other, sum)));
    await post(lab, other, `/v1/vaults/${vault}/close`);
    await Promise.all([1, 1, 1, 1, 1, 1].map((sum) => draw(one, sum)));
  },
  { domains: vaultDomains },
);

guarantee('G6 money is conserved where an account lies in several items', drawn, {
  'an item is taken from without its floor': unconditional('balance'),
  'a posting is left out': transactions((items) =>
    items.filter(
      (item) => !(kindOf(item) === 'balance' && item.Update?.UpdateExpression?.includes('+') === true),
    ),
  ),
});

guarantee('G1 all or nothing where an account lies in several items', drawn, {
  'the new state is not written to all of them': transactions((items) => {
    const states = items.filter(
      (item) => kindOf(item) === 'balance' && item.Update?.UpdateExpression?.includes('+') === false,
    );
    return items.filter((item) => !states.slice(1).includes(item));
  }),
});
