/** `npm run bench -- --hot`: what one item can bear. Each caller wants a place of one showing. */
import type { Workbench } from '../../infra/tools/explain/workbench.ts';
import { columns, crowdOf, secondsEach, withConflicts } from './crowd.ts';

const rates = [10, 25, 50, 75, 100];

export async function hotItem(bench: Workbench, printRow: (cells: readonly string[]) => void): Promise<void> {
  const requests = withConflicts(bench);
  printRow(['commands/s on one item', ...columns]);
  printRow(['---', ...columns.map(() => '---')]);
  for (const rate of rates) {
    const body = { title: 'Evening show', capacity: rate * secondsEach };
    const showing = await bench.send({ method: 'POST', path: '/v1/showings', body });
    const claim = { showingId: showing.json['id'], customer: 'ada' };
    const cells = await crowdOf(bench, requests, rate, () => ({
      method: 'POST',
      path: '/v1/reservations',
      body: claim,
    }));
    printRow([String(rate), ...cells]);
  }
}
