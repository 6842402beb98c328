/**
 * Entities of an older version are migrated while callers go on: no 5xx, no wrong answer. The migration is killed twice in
 * the middle and begun again, and the audit is green before, during and after.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import type { Migrated } from '../../functions/commands/migrate.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { surveyed } from '../../infra/tools/evolve/survey.ts';
import { auditWhole } from './audited.ts';
import { startBackend } from './backend.ts';
import type { Reply, TestBackend } from './backend.ts';
import { members } from './changing-domain.ts';
import type { TableNames } from '../../functions/store/store.ts';
import { History } from './history.ts';
import { localCredentials, localRegion } from './loopback.ts';
import { renamed } from './renamed-domain.ts';

const tenant = 'acme';
/** So many that they meet the migration. */
const callers = 4;
/** Before each call, so that they leave the migration the processor however long it takes. */
const restMs = 100;
/** For what only prepares or checks: a busy machine keeps it waiting for seconds, which is not what this is about. */
const patient = { requestHandler: { requestTimeout: 30_000 } };
/** So that moves go on while the migration does. */
const readsBetween = 10;
/** Written at once: what they come to has to fit into memory. */
const batch = 1_000;
/** So few that a migration is killed within a quarter of them, and that few pages are told of a large one. */
const pageOf = (total: number): number => Math.min(Math.ceil(total / 10), 500);

interface Older {
  readonly id: string;
  readonly name: string;
}

async function fill(api: TestBackend, total: number, now: number): Promise<readonly Older[]> {
  const older: Older[] = [];
  const history = new History(registerDomains([members]), tenant, now);
  while (older.length < total) {
    for (let n = 0; n < batch && older.length < total; n += 1) {
      const name = `Member ${older.length}`;
      older.push({ id: history.entity('members', { name }, []).id, name });
    }
    await history.write(api.backend.store);
  }
  return older;
}

/** Says how far it is. */
export type Told = (what: string) => void;

/** @param enough entities that were migrated before it is killed; absent where it comes to its end */
async function migration(
  tables: TableNames,
  total: number,
  told: Told,
  enough?: number,
): Promise<Omit<Migrated, 'left'> & { left: number }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/support/fixtures/migrate-members.ts'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      PAGE_ENTITIES: String(pageOf(total)),
      DATA_TABLE: tables.data,
      OUTBOX_TABLE: tables.outbox,
      IDEMPOTENCY_TABLE: tables.idempotency,
      AWS_ENDPOINT_URL_DYNAMODB: inject('dynamodbEndpoint'),
      AWS_REGION: localRegion,
      AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
    },
  });
  const ended = new Promise((resolve) =>
    child.once('exit', (code, signal) => {
      resolve(signal ?? code);
    }),
  );
  const sum = { looked: 0, older: 0, migrated: 0, left: 0 };
  for await (const line of createInterface({ input: child.stdout })) {
    const page = JSON.parse(line) as Migrated;
    sum.looked += page.looked;
    sum.older += page.older;
    sum.migrated += page.migrated;
    sum.left += page.left.length;
    told(`${sum.looked} looked at, ${sum.migrated} migrated`);
    if (enough !== undefined && sum.migrated >= enough) child.kill('SIGKILL');
  }
  expect(await ended).toBe(enough === undefined ? 0 : 'SIGKILL');
  return sum;
}

const steps = [
  { command: 'ask', from: 'new', to: 'asked' },
  { command: 'join', from: 'asked', to: 'active' },
  { command: 'leave', from: 'active', to: 'left' },
] as const;

interface Called {
  /** What was answered wrongly. */
  readonly wrong: readonly string[];
  /** The states in which it left entities. */
  readonly moved: ReadonlyMap<string, string>;
}

/** Reads entities that nobody moves, and in between takes one of its own through its states. */
async function call(
  api: TestBackend,
  { mine, others }: Record<'mine' | 'others', readonly Older[]>,
  hasEnded: () => boolean,
): Promise<Called> {
  const wrong: string[] = [];
  const moved = new Map<string, string>();
  const check = ({ status, json }: Reply, older: Older, expected: string): void => {
    const isRight = status === 200 && json['status'] === expected && json['fullName'] === older.name;
    if (!isRight || 'name' in json) wrong.push(`${older.id}: ${status} ${JSON.stringify(json)}`);
  };
  const pathOf = ({ id }: Older): string => `/v1/members/${id}`;
  const read = async (older: Older): Promise<Reply> => {
    await sleep(restMs);
    return api.get(pathOf(older), { tenant });
  };
  for (let round = 0; !hasEnded(); round += 1) {
    for (let n = 0; n < readsBetween; n += 1) {
      const other = others[(round * readsBetween + n) % others.length];
      if (other) check(await read(other), other, 'new');
    }
    const own = mine[round];
    if (!own) continue;
    for (const { command, from, to } of steps.slice(0, 1 + (round % steps.length))) {
      check(await read(own), own, from);
      check(await api.post(`${pathOf(own)}/${command}`, undefined, { tenant }), own, to);
      moved.set(own.id, to);
    }
  }
  return { wrong, moved };
}

/** @throws (by its expectations) where something was answered wrongly, or is wrong in the end */
export async function migratedWhileCalled(total: number, told: Told = () => undefined): Promise<void> {
  // It stands still, so that nothing of this is ever late; the migration's own clock goes on.
  const now = Date.now();
  const clock = { now: () => now };
  const before = await startBackend({ clock, domains: [members], client: patient });
  const { tables } = before;
  const after = await startBackend({ clock, domains: [renamed], tables });
  const auditor = await startBackend({ clock, domains: [renamed], tables, client: patient });
  const older = await fill(before, total, now);
  told(`${total} are there`);
  const audited = async (api: TestBackend): Promise<unknown> => {
    const { checkedEntities, problems } = await auditWhole(createAudit(api.backend), tenant);
    told(`audited: ${checkedEntities} entities, ${problems.length} problems`);
    return [checkedEntities, problems.slice(0, 5)];
  };
  const green = [total, []];
  // Before, with the eyes of the version that wrote them; what the newer one thinks of them is told during the migration.
  expect(await audited(before)).toEqual(green);

  let hasEnded = false;
  const calling = Promise.all(
    Array.from({ length: callers }, (_, caller) =>
      call(
        after,
        {
          // A fifth of all is moved by callers.
          mine: older.filter((_one, index) => index % (5 * callers) === caller),
          others: older.filter((_one, index) => index % (5 * callers) >= callers),
        },
        () => hasEnded,
      ),
    ),
  );
  const quarter = Math.floor(total / 4);
  const first = await migration(tables, total, told, quarter);
  const [second, meanwhile] = await Promise.all([migration(tables, total, told, quarter), audited(auditor)]);
  expect(meanwhile).toEqual(green);
  const last = await migration(tables, total, told);
  hasEnded = true;
  const called = await calling;
  told(`killed after ${first.migrated} and ${second.migrated}, then ${last.migrated} migrated`);

  expect(called.flatMap(({ wrong }) => wrong).slice(0, 5)).toEqual([]);
  const moved = new Map(called.flatMap((one) => [...one.moved]));
  told(`callers moved ${moved.size} entities`);
  expect(moved.size).toBeGreaterThan(0);
  expect([first.left, second.left, last.left]).toEqual([0, 0, 0]);
  expect(first.migrated + second.migrated + last.migrated).toBeLessThanOrEqual(total);
  expect(await audited(auditor)).toEqual(green);

  // Each is of the newest version, in the state in which its caller left it.
  const counts = new Map<string, number>();
  for (const { id } of older) {
    const status = moved.get(id) ?? 'new';
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  const expected = Object.fromEntries(
    [...counts].map(([status, count]) => [`members, version 2, ${status}`, count]),
  );
  const seen = { ...auditor.backend, registry: registerDomains([renamed]) };
  let survey;
  for await (survey of surveyed(seen, { entriesMax: 0 }));
  expect([survey?.entities, survey?.stranded]).toEqual([expected, {}]);
}
