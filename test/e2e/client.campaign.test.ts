/**
 * 10,000 commands of the client over a connection that loses 30 % of the answers, on the whole stack. `COMMANDS` says
 * another number.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { earnThrough, startLossyConnection, without } from '../support/lossy-connection.ts';
import type { LossyConnection } from '../support/lossy-connection.ts';
import { startBackendProcess, tokenFor } from '../support/started-backend.ts';
import type { StartedBackend } from '../support/started-backend.ts';

const commands = Number(process.env['COMMANDS'] ?? 10_000);
/** On a machine that others use a try may take seconds, and a call more than the minute that it is given by default. */
const patience = { attemptMs: 60_000, totalMs: 900_000, attemptsMax: 100 };
/** A slow machine commits ten a second. */
const timeout = 120_000 + commands * 300;
let backend: StartedBackend;
let lossy: LossyConnection;

beforeAll(async () => {
  backend = await startBackendProcess();
  lossy = await startLossyConnection(
    async ({ method, path, headers, body }) => {
      const rest = without(headers, 'host', 'connection', 'content-length');
      const response = await fetch(backend.url + path, {
        method,
        headers: rest,
        ...(body !== '' && { body }),
      });
      return {
        status: response.status,
        headers: Object.fromEntries(
          ['content-type', 'retry-after', 'idempotent-replayed'].flatMap((name) => {
            const value = response.headers.get(name);
            return value === null ? [] : [[name, value]];
          }),
        ),
        body: await response.text(),
      };
    },
    { lostShare: 0.3, delayMaxMs: 100 },
  );
  // A stack starts within seconds, where nobody else uses the machine.
}, 600_000);
afterAll(async () => {
  await lossy.stop();
  await backend.stop();
});

test('each is done once, and each call is answered', { timeout }, async () => {
  const token = await tokenFor('acme');
  const { results, accounts } = await earnThrough(lossy.url, token, {
    accounts: 200,
    commands,
    atOnce: 20,
    patience,
    told: (ended) => {
      if (ended % 500 === 0) console.log(`${ended} of ${commands} commands have ended`);
    },
  });
  const { lost, answered } = lossy.counts;
  console.log(`${answered} answers came, ${lost} were lost`);
  expect(results).toEqual({ done: commands });
  for (const { asked, entries, balance } of accounts) expect([entries, balance]).toEqual([asked, asked]);
  expect(accounts).toHaveLength(200);
});
