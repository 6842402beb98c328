/** What belongs to one command is all there, or none of it is (G1), and each entry has one origin (G2). */
import { isDeepStrictEqual } from 'node:util';
import type { Domain } from '../../../functions/core/definition.ts';
import { messagesOf } from '../../../functions/core/registry.ts';
import type { Report } from './checker.ts';
import { madeBy } from './replay.ts';
import type { Entry, Ledger } from './replay.ts';
import type { StoreImage } from './store-image.ts';

/** Entries that another entity's command brought about: what it moved, and what it created. */
const moved = new WeakSet<Entry>();

/** A command that moves others has moved all of them, and nobody was moved without one. */
export function checkMoves(
  ledgers: readonly Ledger[],
  report: Report,
  versions: readonly Domain[] = [],
): void {
  const byId = new Map(ledgers.map((ledger) => [`${ledger.tenant} ${ledger.id}`, ledger]));
  for (const entry of ledgers.flatMap(({ created }) => created)) moved.add(entry);
  for (const { tenant, id, entries, moves } of ledgers) {
    for (const [index, planned] of moves.entries()) {
      for (const move of planned) {
        const other = byId.get(`${tenant} ${move.id}`);
        const entry = other?.entries.find(
          (candidate) =>
            !moved.has(candidate) &&
            candidate.command === move.transition &&
            isDeepStrictEqual(candidate.data, move.input ?? {}),
        );
        if (entry) moved.add(entry);
        else
          report(
            'G1',
            `${id}: entry ${entries[index]?.seq ?? 0} should have moved ${move.id} by "${move.transition}"`,
            tenant,
          );
      }
    }
  }
  for (const { tenant, id, domain: seenBy, entries } of ledgers) {
    for (const entry of entries) {
      const domain = madeBy(versions, seenBy, entry);
      const isInternal = domain.transitions[entry.command]?.internal === true;
      // A deadline that an entity has waits until it is over, also where the version that fires it has none.
      const isTimer = [domain, ...versions].some(({ deadlines = {} }) =>
        Object.hasOwn(deadlines, entry.command),
      );
      if (isInternal && !isTimer && !isAnswer(domain, entry) && !moved.has(entry)) {
        report(
          'G1',
          `${id}: entry ${entry.seq} ("${entry.command}") was brought about by no command`,
          tenant,
        );
      }
    }
  }
}

/** Whether what a message was answered brought it about. */
const isAnswer = (domain: Domain, { command }: Entry): boolean =>
  messagesOf(domain).some(({ message: { done, refused, dead } }) => [done, refused, dead].includes(command));

/**
 * Every entry that a caller or the clock brought about has exactly one idempotency record, which tells of it. One that
 * an answer brought about has the message that ended in it.
 */
export function checkOrigins(
  ledgers: readonly Ledger[],
  { records, outbox }: StoreImage,
  report: Report,
): void {
  const told = new Map<string, { readonly status: string; readonly pk: string }[]>();
  for (const { pk, answer } of records) {
    const { status, body } = answer as { readonly status: number; readonly body: string };
    if (status >= 300 || body === '') continue;
    const { id, version, status: state } = JSON.parse(body) as Readonly<Record<string, string | number>>;
    if (id === undefined) continue;
    const name = `${String(id)} ${String(version)}`;
    told.set(name, [...(told.get(name) ?? []), { status: String(state), pk: String(pk) }]);
  }
  const answered = (tenant: string, id: string, command: string): number =>
    outbox.filter(({ answers, answer, status, ...item }) => {
      const { outcome = '' } = (answer ?? {}) as { readonly outcome?: string };
      const isOver = status === 'done' || status === 'dead';
      const names = (answers ?? {}) as Readonly<Record<string, string>>;
      return isOver && item['tenant'] === tenant && item['entity'] === id && names[outcome] === command;
    }).length;
  for (const { tenant, id, domain, entries } of ledgers) {
    for (const entry of entries) {
      if (isAnswer(domain, entry) && !moved.has(entry)) {
        const ended = answered(tenant, id, entry.command);
        const count = entries.filter(({ command }) => command === entry.command).length;
        if (count !== ended)
          report(
            'G18',
            `${id}: ${count} entries "${entry.command}", ${ended} messages with that answer`,
            tenant,
          );
        continue;
      }
      const name = `${id} ${entry.seq}`;
      const origins = told.get(name) ?? [];
      told.delete(name);
      if (moved.has(entry)) {
        if (origins.length > 0)
          report('G2', `${id}: entry ${entry.seq} was moved, and has a key of its own`, tenant);
        continue;
      }
      const what = `${id}: entry ${entry.seq} ("${entry.command}")`;
      if (origins.length === 0) report('G1', `${what} has no idempotency record`, tenant);
      if (origins.length > 1) report('G2', `${what} is the answer of ${origins.length} keys`, tenant);
      const [origin] = origins;
      if (origin && origin.status !== entry.to) {
        report('G3', `${what} leads to ${entry.to}, its record says ${origin.status}`, tenant);
      }
    }
  }
  for (const name of told.keys()) report('G1', `a record tells of ${name}, which is in no ledger`);
}
