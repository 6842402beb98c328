/**
 * `npm run bench -- --hot`: places of one showing, which are one item or come to lie in several. First measured, at rates
 * that a small machine carries; then in virtual time, at those that it does not.
 */
import { domains } from '../../functions/domains/index.ts';
import type { Domain } from '../../functions/core/definition.ts';
import type { Workbench } from '../../infra/tools/explain/workbench.ts';
import { lacking } from '../support/changing-domain.ts';
import { simulatePlaces } from '../support/simulated-places.ts';
import type { Places, Taken } from '../support/simulated-places.ts';
import { measure, simulate } from './crowd.ts';
import type { Measured } from './crowd.ts';
import type { PrintRow } from './tables.ts';

const measuredRates = [10, 25, 50, 100, 200, 300];
const simulatedRates = [25, 50, 100, 200, 300, 500, 1_000];
/** As many as a thousand places a second keep busy; each has to learn by itself that a showing is spread. */
const environments = 200;

const spreadOver =
  domains.find(({ collection }) => collection === 'showings')?.accounts?.['remaining']?.spread ?? 1;
/** The same definitions, with the places of a showing in one item. */
const inOneItem: readonly Domain[] = domains.map((domain) => ({
  ...domain,
  accounts: Object.fromEntries(
    Object.entries(domain.accounts ?? {}).map(([key, account]) => [key, lacking(account, 'spread')]),
  ),
}));

const places: Measured = {
  what: 'places/s of one showing',
  served: [
    { items: 1, domains: inOneItem },
    { items: spreadOver, domains },
  ],
  rates: measuredRates,
  prepare: async (bench, capacity) => {
    const body = { title: 'Evening show', capacity };
    const showing = await bench.send({ method: 'POST', path: '/v1/showings', body });
    const claim = { showingId: showing.json['id'], customer: 'ada' };
    return () => ({ method: 'POST', path: '/v1/reservations', body: claim });
  },
};

/** @param open a workbench on empty tables, by these definitions */
export async function hotItem(
  open: (served: readonly Domain[]) => Promise<Workbench>,
  printRow: PrintRow,
): Promise<void> {
  await measure(places, open, printRow);
  const taken = (crowd: Omit<Places, 'capacity' | 'environments'>): Taken =>
    simulatePlaces({ ...crowd, capacity: crowd.count, environments });
  simulate(places, simulatedRates, taken, printRow);
}
