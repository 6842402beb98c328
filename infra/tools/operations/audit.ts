/**
 * `npm run audit -- --tenant acme` audits all of one tenant's data through the API of a running stack, page by page,
 * so that it works against any stage and holds no more than a page. Without a token it signs one for the local stack.
 *
 * Progress goes to stderr, the result to stdout. Exit code: 0 in order, 1 problems, 2 it could not be audited.
 */
import type { AuditPage, AuditProblem } from '../../../functions/api/audit.ts';
import { runCommand, UsageError } from '../../local/command-line.ts';
import { readTokenKey, signToken } from '../../local/token-key.ts';
import { auditPages } from './audit-pages.ts';

const usage = `usage: npm run audit -- --tenant <tenant> [--url http://localhost:3000] [--json]
       AUDIT_TOKEN=<token> npm run audit -- --url https://... [--json]`;

/** Problems kept for the result; all are counted and, without --json, printed. */
const problemsKept = 1_000;
const progressEveryMs = 1_000;

async function localToken(tenant: string): Promise<string> {
  const request = { tenant, subject: 'audit', scope: 'ops', expiresIn: '12h' };
  return signToken(request, await readTokenKey());
}

class Progress {
  readonly #startedAt = performance.now();
  #toldAt = this.#startedAt;
  readonly problems: AuditProblem[] = [];
  #problems = 0;
  #entities = 0;
  #entries = 0;

  add({ checkedEntities, checkedEntries, problems }: AuditPage): void {
    this.#entities += checkedEntities;
    this.#entries += checkedEntries;
    this.#problems += problems.length;
    this.problems.push(...problems.slice(0, problemsKept - this.problems.length));
    if (performance.now() < this.#toldAt + progressEveryMs) return;
    this.#toldAt = performance.now();
    process.stderr.write(`${this.summary()}\n`);
  }

  get isOk(): boolean {
    return this.#problems === 0;
  }

  summary(): string {
    const seconds = Math.max((performance.now() - this.#startedAt) / 1000, 0.001);
    const rate = Math.round(this.#entities / seconds);
    const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;
    return [
      count(this.#entities, 'entity', 'entities'),
      count(this.#entries, 'ledger entry', 'ledger entries'),
      count(this.#problems, 'problem', 'problems'),
      `${seconds.toFixed(1)} s`,
      `${rate} entities/s`,
    ].join(', ');
  }

  report(): object {
    const [checkedEntities, checkedEntries, problemCount] = [this.#entities, this.#entries, this.#problems];
    return { ok: this.isOk, checkedEntities, checkedEntries, problemCount, problems: this.problems };
  }
}

function describe({ entity, seq, account, problem }: AuditProblem): string {
  const place = [
    entity !== undefined && `entity ${entity}`,
    seq !== undefined && `entry ${seq}`,
    account !== undefined && `account ${account}`,
  ];
  return `${place.filter((part) => part !== false).join(', ')}: ${problem}`;
}

/** @returns the exit code */
async function audit(url: string, token: string, json: boolean): Promise<number> {
  const progress = new Progress();
  for await (const page of auditPages(url, token)) {
    progress.add(page);
    if (!json) for (const problem of page.problems) process.stdout.write(`${describe(problem)}\n`);
  }
  const [first] = progress.problems;
  if (json) process.stdout.write(`${JSON.stringify(progress.report(), null, 2)}\n`);
  else
    process.stdout.write(
      `${first ? `first problem: ${describe(first)}` : 'in order'}\n${progress.summary()}\n`,
    );
  return progress.isOk ? 0 : 1;
}

await runCommand({
  usage,
  flags: {
    tenant: { type: 'string', default: '' },
    url: { type: 'string', default: `http://localhost:${process.env['PORT'] ?? '3000'}` },
    json: { type: 'boolean', default: false },
  },
  run: async ({ tenant, url, json }) => {
    const given = process.env['AUDIT_TOKEN'] ?? '';
    if (given === '' && tenant === '') throw new UsageError('--tenant is missing');
    if (!URL.canParse(url)) throw new UsageError(`--url ${url} is no URL`);
    const token = given === '' ? await localToken(tenant) : given;
    return audit(new URL(url).href.replace(/\/$/, ''), token, json).catch((error: unknown) => {
      process.stderr.write(`not audited: ${error instanceof Error ? error.message : String(error)}\n`);
      return 2;
    });
  },
});
