/**
 * `npm run bench -- --hot`: credits to one payee, whose account is one item or spread over several. First measured, at
 * rates that a small machine carries; then in virtual time, at those that it does not.
 */
import { randomUUID } from 'node:crypto';
import pMap from 'p-map';
import { registerDomains } from '../../functions/core/registry.ts';
import type { Domain } from '../../functions/core/definition.ts';
import { domains } from '../../functions/domains/index.ts';
import type { Workbench } from '../../infra/tools/explain/workbench.ts';
import { lacking } from '../support/changing-domain.ts';
import { simulateCredits } from '../support/simulated-credits.ts';
import { measure, simulate } from './crowd.ts';
import type { Measured } from './crowd.ts';
import type { PrintRow } from './tables.ts';

const measuredRates = [5, 10, 25];
const simulatedRates = [25, 50, 100, 250, 500, 1_000, 1_500];

const spreadOver = registerDomains(domains).spreadOf('holding:bookshop:EUR');
/** The same definitions, with each account in one item. */
const inOneItem: readonly Domain[] = domains.map((domain) => lacking(domain, 'spread'));

const credits: Measured = {
  what: 'credits/s to one payee',
  served: [
    { items: 1, domains: inOneItem },
    { items: spreadOver, domains },
  ],
  rates: measuredRates,
  prepare: async (bench, count) => {
    const ids = await payments(bench, count);
    return (caller) => ({ method: 'POST', path: `/v1/payments/${ids[caller] ?? ''}/confirm` });
  },
};

/** @param open a workbench on empty tables, by these definitions */
export async function hotAccount(
  open: (served: readonly Domain[]) => Promise<Workbench>,
  printRow: PrintRow,
): Promise<void> {
  await measure(credits, open, printRow);
  simulate(credits, simulatedRates, simulateCredits, printRow);
}

/** Each has a payer of its own, so that the payee's account is all that they share. */
async function payments(bench: Workbench, count: number): Promise<readonly string[]> {
  const payers = Array.from({ length: count }, (_, n) => `payer ${n}`);
  const asked = await pMap(
    payers,
    async (payer) => {
      const body = { payer, payee: 'bookshop', amount: 1_250, currency: 'EUR' };
      const headers = { 'idempotency-key': randomUUID() };
      for (;;) {
        const { status, json } = await bench.send({ method: 'POST', path: '/v1/payments', body, headers });
        if (status === 201) return String(json['id']);
        // A busy machine is asked again, with the same key.
        if (status !== 503) throw new Error(`a payment was answered ${status}`);
      }
    },
    { concurrency: 8 },
  );
  return asked;
}
