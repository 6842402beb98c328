/** What callers were told, against each other and against the store (G2, G3, G4, G13, G16). */
import { createHash } from 'node:crypto';
import { canonicalize } from 'json-canonicalize';
import type { Reply } from '../backend.ts';
import type { Report } from './checker.ts';
import { isFinal } from './observed.ts';
import type { Observed } from './observed.ts';
import type { Ledger } from './replay.ts';
import type { Item, StoreImage } from './store-image.ts';

type Answered = Observed & { readonly reply: NonNullable<Observed['reply']> };

interface Stored {
  readonly requestId: string;
  readonly answer: { readonly status: number; readonly body: string };
}

export function checkAnswers(
  seen: readonly Observed[],
  ledgers: readonly Ledger[],
  { records }: StoreImage,
  report: Report,
): void {
  const byPk = new Map(records.map((record) => [String(record['pk']), record]));
  const byId = new Map(ledgers.map((ledger) => [ledger.id, ledger]));
  const groups = new Map<string, Observed[]>();
  for (const each of seen) {
    checkReply(each, report);
    if (each.method !== 'POST' || each.key === undefined) continue;
    const name = JSON.stringify([each.tenant, each.subject, each.path, each.key]);
    groups.set(name, [...(groups.get(name) ?? []), each]);
  }
  for (const group of groups.values()) checkKey(group, byPk, byId, report);
  checkOnce(groups, ledgers, report);
}

/** A tenant's answers never name another tenant's data; callers write their tenant's name into what they send. */
function checkReply({ tenant, reply, path }: Observed, report: Report): void {
  if (!reply) return;
  if (reply.status === 500) report('G16', `${path} was answered 500, which tells nothing`, tenant);
  const foreign = /tenant:([\w-]+)/g;
  for (const [, name] of reply.text.matchAll(foreign)) {
    if (name !== tenant) report('G13', `${path} shows ${tenant} what belongs to ${String(name)}`, tenant);
  }
}

function checkKey(
  group: readonly Observed[],
  records: ReadonlyMap<string, Item>,
  ledgers: ReadonlyMap<string, Ledger>,
  report: Report,
): void {
  const [first] = group;
  if (!first) return;
  const { tenant, subject, path, key } = first;
  const what = `key ${String(key)} of ${path}`;
  const answered = group.filter((each): each is Answered => each.reply !== undefined);
  const final = answered.filter(({ reply }) => isFinal(reply)).sort((a, b) => a.endedAt - b.endedAt);
  const record = records.get(
    recordKey({ tenant, subject, method: 'POST', path, key: key ?? '' }),
  ) as unknown as Stored | undefined;
  const isOnePayload = new Set(group.map(({ body }) => canonicalize(body ?? {}))).size === 1;
  for (const { reply } of isOnePayload ? answered : []) {
    // An answer without a body, as of an unlock, has no code.
    const { code } = (reply.json as Reply['json'] | undefined) ?? {};
    if (code === 'idempotency_key_reused')
      report('G3', `${what} was said to have another payload, and had the same`, tenant);
  }
  const [answer] = final;
  for (const { reply } of final.slice(1)) {
    if (sameAnswer(reply, (answer as Answered).reply)) continue;
    const turned = (answer?.reply.status ?? 0) >= 400 && reply.status < 300;
    const told = `${what} was answered ${answer?.reply.status ?? 0} and then ${reply.status} ${reply.text.slice(0, 120)}`;
    report(turned ? 'G4' : 'G3', told, tenant);
  }
  for (const { reply, startedAt } of answered) {
    if (isFinal(reply) || reply.status >= 500 || reply.status === 422) continue;
    if (answer && answer.endedAt < startedAt) {
      report(
        'G3',
        `${what} had its answer (${answer.reply.status}) and was then told ${reply.status}`,
        tenant,
      );
    }
  }
  if (record) checkTruth(answered, record, what, tenant, report);
  if (!answer) return;
  const { status, text, json } = answer.reply;
  if (!record) {
    report(status < 300 ? 'G1' : 'G4', `${what} was answered ${status}, and no record keeps that`, tenant);
    return;
  }
  if (record.answer.status !== status || record.answer.body !== text) {
    const kept = `${record.answer.status} ${record.answer.body.slice(0, 80)}`;
    const turned = status >= 400 && record.answer.status < 300;
    report(
      turned ? 'G4' : 'G3',
      `${what} was answered ${status} ${text.slice(0, 80)}, its record says ${kept}`,
      tenant,
    );
  }
  if (status >= 300 || text === '') return;
  const { id, version } = json as { readonly id?: string; readonly version?: number };
  if (id === undefined) return;
  const ledger = ledgers.get(id);
  const entry = ledger?.entries[Number(version) - 1];
  const isIt = ledger?.tenant === tenant && entry?.actor === subject && entry.command === commandOf(path);
  if (!isIt)
    report(
      'G2',
      `${what} was answered with version ${String(version)} of ${id}, which its ledger does not tell`,
      tenant,
    );
}

/** Nobody is told that nothing happened by the very request that did it. */
function checkTruth(
  answered: readonly Answered[],
  record: Stored,
  what: string,
  tenant: string,
  report: Report,
): void {
  if (record.answer.status >= 300) return;
  const own = answered.find(({ reply }) => reply.headers['x-request-id'] === record.requestId);
  if (!own) return;
  const { status, json } = own.reply;
  const denies = (status >= 400 && status < 500) || (status === 503 && json['code'] === 'contended');
  if (denies)
    report(
      'G16',
      `${what} was told ${status} ${String(json['code'])} by the request that committed it`,
      tenant,
    );
}

/** However many callers sent one body, no more entries carry it than they used keys. */
function checkOnce(
  groups: ReadonlyMap<string, readonly Observed[]>,
  ledgers: readonly Ledger[],
  report: Report,
): void {
  const keys = new Map<string, number>();
  for (const [first] of groups.values()) {
    if (!first) continue;
    const name = workOf(first.tenant, first.subject, first.path, first.body);
    keys.set(name, (keys.get(name) ?? 0) + 1);
  }
  const entries = new Map<string, number>();
  for (const { tenant, id, domain, entries: own } of ledgers) {
    for (const entry of own) {
      const path = `/v1/${domain.collection}${entry.seq === 1 ? '' : `/${id}/${entry.command}`}`;
      const name = workOf(tenant, entry.actor, path, entry.data);
      entries.set(name, (entries.get(name) ?? 0) + 1);
    }
  }
  for (const [name, sent] of keys) {
    const done = entries.get(name) ?? 0;
    if (done > sent)
      report('G2', `${done} entries for ${sent} keys: ${name}`, (JSON.parse(name) as string[])[0]);
  }
}

const workOf = (tenant: string, subject: string, path: string, body: unknown): string =>
  JSON.stringify([tenant, subject, path, canonicalize(body ?? {})]);

const commandOf = (path: string): string => path.split('/')[4] ?? 'create';

function sameAnswer(a: Answered['reply'], b: Answered['reply']): boolean {
  const header = (name: string): boolean => a.headers[name] === b.headers[name];
  return a.status === b.status && a.text === b.text && header('location') && header('etag');
}

/** The place of a key's record: scope in canonical order, SHA-256, base64. */
export function recordKey(scope: Readonly<Record<string, string>>): string {
  const sorted = Object.fromEntries(Object.entries(scope).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `command#${createHash('sha256').update(JSON.stringify(sorted)).digest('base64')}`;
}
