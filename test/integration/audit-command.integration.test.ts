import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, inject, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { auditAll } from '../../functions/audit/nightly.ts';
import { systemClock } from '../../functions/runtime/clock.ts';
import { balanceKey } from '../../functions/store/keys.ts';
import { payment, Tampered } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { History } from '../support/history.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { silent } from '../support/outbox.ts';

let api: TestBackend;

beforeEach(async () => {
  const started = await startBackend();
  const audit = createAudit(started.backend);
  api = await startBackend({ tables: started.tables, audit });
});

/** A tenant with payments, and a balance that is wrong where asked for. */
async function fill(payments: number, isWrong = false): Promise<string> {
  const tampered = new Tampered(api);
  const history = new History(api.backend.registry, tampered.tenant);
  for (let n = 0; n < payments; n += 1) history.entity('payments', payment, [{ name: 'confirm' }]);
  await history.write(api.backend.store);
  const key = balanceKey(tampered.tenant, 'holding:shop:EUR');
  if (isWrong) await tampered.change(key, (item) => ({ ...item, balance: 1 }));
  return tampered.tenant;
}

describe('npm run audit', () => {
  /** The command against the API behind a server of its own; the first request for each page is turned away. */
  async function run(tenant: string, ...options: string[]) {
    const turnedAway = new Set<string>();
    const server = createServer((request, response) => {
      const url = request.url ?? '';
      if (!turnedAway.has(url)) {
        turnedAway.add(url);
        response.writeHead(503).end('{}');
        return;
      }
      void api.get(url, { tenant }).then((reply) => {
        response.writeHead(reply.status, { 'content-type': 'application/json' }).end(reply.text);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', 'infra/tools/operations/audit.ts', '--url', `http://127.0.0.1:${port}`, ...options],
      { env: { ...process.env, AUDIT_TOKEN: 'a token' } },
    );
    const exited = new Promise<number | null>((resolve) => child.on('exit', resolve));
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
    await new Promise((resolve) => server.close(resolve));
    return { stdout, stderr, code };
  }

  it('audits a tenant to the end and leaves with 0 where all is in order', async () => {
    const { stdout, code } = await run(await fill(60));
    expect(stdout).toContain('60 entities, 120 ledger entries, 0 problems');
    expect(code).toBe(0);
  });

  it('names the first problem and leaves with 1', async () => {
    const tenant = await fill(3, true);
    const asText = await run(tenant);
    expect(asText.stdout).toContain('first problem: account holding:shop:EUR: balance_differs');
    expect(asText.code).toBe(1);
    const asJson = await run(tenant, '--json');
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      ok: false,
      checkedEntities: 3,
      problemCount: 1,
      problems: [{ account: 'holding:shop:EUR' }],
    });
  });

  it('leaves with 2 where it cannot audit, or does not know what to', async () => {
    expect(await run(await fill(1), '--nonsense')).toMatchObject({ code: 2 });
    const refused = await startBackend({
      tables: api.tables,
      audit: () => Promise.reject(new Error('no audit')),
    });
    api = refused;
    expect((await run('acme')).code).toBe(2);
  });
});

describe('npm run audit:tenants', () => {
  async function run(...options: string[]) {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', 'infra/tools/operations/audited-tenants.ts', ...options],
      {
        env: {
          ...process.env,
          AWS_REGION: localRegion,
          AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
          AWS_ENDPOINT_URL_DYNAMODB: inject('dynamodbEndpoint'),
        },
      },
    );
    const exited = new Promise<number | null>((resolve) => child.on('exit', resolve));
    const [stdout, , code] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
    return { stdout, code };
  }

  it('lists each tenant with the time and the result of its last full audit', async () => {
    const [right, wrong] = [await fill(2), await fill(2, true)];
    const { store } = api.backend;
    const night = { store, clock: systemClock, log: silent, remainingMs: () => 900_000 };
    for (const tenant of [wrong, right]) {
      await auditAll({ ...night, audit: createAudit(api.backend), tenants: [tenant] });
    }
    const { stdout, code } = await run('--table', api.tables.data, '--json');
    expect(code).toBe(0);
    const aged = { ageHours: 0, lastFullAudit: expect.any(String) as string };
    expect(JSON.parse(stdout)).toEqual([
      { tenant: wrong, result: '1 problems', ...aged },
      { tenant: right, result: 'in order', ...aged },
    ]);
  });

  it('leaves with 2 where it does not know the table', async () => {
    expect((await run('--table', 'there-is-none')).code).toBe(2);
  });
});
