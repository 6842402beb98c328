import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { auditAll } from '../../functions/audit/nightly.ts';
import type { NightReport } from '../../functions/audit/nightly.ts';
import type { Audit } from '../../functions/api/audit.ts';
import { createLogger } from '../../functions/runtime/logger.ts';
import { balanceKey } from '../../functions/store/keys.ts';
import { payment, Tampered } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { History } from '../support/history.ts';

const log = createLogger('test');
let api: TestBackend;
let audit: Audit;

beforeEach(async () => {
  const started = await startBackend();
  audit = createAudit(started.backend);
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

describe('the nightly audit', () => {
  const night = (remainingMs: () => number, ofTenant: Audit = audit): Promise<NightReport> =>
    auditAll({ store: api.backend.store, audit: ofTenant, log, remainingMs });
  const plenty = (): number => 900_000;

  it('audits every tenant and counts what it finds', async () => {
    await fill(3);
    await fill(2, true);
    expect(await night(plenty)).toEqual({
      tenants: 2,
      checkedEntities: 5,
      checkedEntries: 10,
      problems: 1,
      failed: 0,
      isFinished: true,
    });
  });

  it('goes on the next night where its time was over', async () => {
    await fill(60);
    await fill(60);
    let pages = 0;
    const three = (): number => (pages++ < 3 ? plenty() : 0);
    const first = await night(three);
    expect(first.isFinished).toBe(false);
    const second = await night(plenty);
    expect(second).toMatchObject({ isFinished: true, problems: 0, failed: 0 });
    expect(first.checkedEntities).toBeGreaterThan(0);
    // The tenant that the first night had finished is audited again, the other one only from where it stopped.
    expect(second.checkedEntities).toBeLessThan(first.checkedEntities + 120);
    expect(await night(plenty)).toMatchObject({ checkedEntities: 120, isFinished: true });
  });

  it('audits the other tenants where one cannot be', async () => {
    const [one] = [await fill(1), await fill(1)];
    const failing: Audit = (tenant, cursor) =>
      tenant === one ? Promise.reject(new Error('no data for one')) : audit(tenant, cursor);
    expect(await night(plenty, failing)).toMatchObject({ tenants: 1, failed: 1, isFinished: true });
  });
});

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
