/**
 * `npm run bench -- --hot`: places of one showing, which are one item or come to lie in several. First measured, at rates
 * that a small machine carries; then in virtual time, at those that it does not.
 */
import { domains } from '../../functions/domains/index.ts';
import type { Domain } from '../../functions/core/definition.ts';
import type { AccountDefinition } from '../../functions/core/domain.ts';
import type { Workbench } from '../../infra/tools/explain/workbench.ts';
import { randomOf } from '../support/faults/random.ts';
import { simulatePlaces } from '../support/simulated-places.ts';
import { cellsOf, crowdOf, holdMs, printHead, secondsEach, withConflicts } from './crowd.ts';
import type { PrintRow } from './crowd.ts';

const measuredRates = [10, 25, 50, 100, 200, 300];
const simulatedRates = [25, 50, 100, 200, 300, 500, 1_000];
/** As many as a thousand places a second keep busy; each has to learn by itself that a showing is spread. */
const environments = 200;

const spreadOver =
  domains.find(({ collection }) => collection === 'showings')?.accounts?.['remaining']?.spread ?? 1;
const withoutSpread = (account: object): AccountDefinition =>
  Object.fromEntries(
    Object.entries(account).filter(([name]) => name !== 'spread'),
  ) as unknown as AccountDefinition;
/** The same definitions, with the places of a showing in one item. */
const inOneItem: readonly Domain[] = domains.map((domain) => ({
  ...domain,
  accounts: Object.fromEntries(
    Object.entries(domain.accounts ?? {}).map(([key, account]) => [key, withoutSpread(account)]),
  ),
}));

/** @param open a workbench on empty tables, by these definitions */
export async function hotItem(
  open: (served: readonly Domain[]) => Promise<Workbench>,
  printRow: PrintRow,
): Promise<void> {
  printHead('measured: places/s of one showing', printRow);
  for (const [items, served] of [[1, inOneItem] as const, [spreadOver, domains] as const]) {
    const bench = await open(served);
    const requests = withConflicts(bench);
    for (const rate of measuredRates) {
      const body = { title: 'Evening show', capacity: rate * secondsEach };
      const showing = await bench.send({ method: 'POST', path: '/v1/showings', body });
      const claim = { showingId: showing.json['id'], customer: 'ada' };
      const cells = await crowdOf(bench, requests, rate, () => ({
        method: 'POST',
        path: '/v1/reservations',
        body: claim,
      }));
      printRow([String(rate), String(items), ...cells]);
    }
    bench.close();
  }
  printRow([]);
  printHead('simulated: places/s of one showing', printRow);
  for (const items of [1, spreadOver]) {
    for (const rate of simulatedRates) {
      const count = rate * secondsEach;
      const crowd = { rate, count, capacity: count, items, environments, holdMs, random: randomOf(rate) };
      printRow([String(rate), String(items), ...cellsOf(simulatePlaces(crowd))]);
    }
  }
}
