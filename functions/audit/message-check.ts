/** Compares the messages of an entity with those its ledger entries must have caused. Pure. */
import type { AuditProblem } from '../api/audit.ts';
import { payloadHash } from '../core/ledger.ts';
import type { CausedMessages } from '../core/ledger.ts';
import { message as limits } from '../runtime/limits.ts';
import {
  groupOf,
  indexedAs,
  isOpen,
  messageGroups,
  messageId,
  messageKey,
  messageStatuses,
} from '../store/outbox/message-items.ts';
import type { AuditedMessage } from '../store/audit/audit-reads.ts';
import type { Findings, Subject } from './ledger-walk.ts';
import { openMaxMs } from './limits.ts';
import { problem } from './problems.ts';

/** The entries whose messages are compared: `from` to `to`, or to the end of all. */
export interface Stretch {
  readonly from: number;
  /** The last entry that was walked. */
  readonly to: number;
  /** Whether there is no entry after `to`. */
  readonly isLast: boolean;
}

export function messageProblems(
  { tenant, id }: Pick<Subject, 'tenant' | 'id'>,
  stretch: Stretch,
  expected: Findings['messages'],
  found: readonly AuditedMessage[],
  now: number,
): readonly AuditProblem[] {
  const problems: AuditProblem[] = [];
  const bySortKey = new Map(found.map((message) => [message.sk, message]));
  for (const [seq, { at, messages }] of expected) {
    const mayBeExpired = Date.parse(at) + limits.keptMs <= now;
    const each = messages.flatMap(({ hashes, ...kind }) => hashes.map((hash) => ({ ...kind, hash })));
    for (const [n, caused] of each.entries()) {
      const { topic, type } = caused;
      const name = messageId(id, seq, n);
      const sk = messageKey({ tenant, id: name })?.sk ?? '';
      const message = bySortKey.get(sk);
      if (!message) {
        if (mayBeExpired) continue;
        problems.push(problem('message_missing', `${name} (${topic}, ${type}) is gone`, { entity: id, seq }));
        continue;
      }
      bySortKey.delete(sk);
      if (!isConsistent(tenant, name, message) || !isAsCaused(message, caused)) {
        const text = `${name} (${topic}, ${type}) is not as it was caused`;
        problems.push(problem('message_changed', text, { entity: id, seq }));
      }
    }
  }
  for (const message of bySortKey.values()) {
    const seq = Number.parseInt(message.sk, 10);
    // Where an entry cannot tell, any message of it is believed.
    const isBelieved = !expected.has(seq) && seq >= stretch.from && seq <= stretch.to;
    if (!isBelieved) {
      problems.push(
        problem('message_unexplained', `"${message.sk}" was caused by no command`, { entity: id, seq }),
      );
    }
  }
  problems.push(...found.flatMap((message) => stuckProblem(id, message, now)));
  return problems;
}

/** A payload is gone only from a message that was sensitive and is done. */
function isAsCaused(
  { topic, type, payload, sensitive, status }: AuditedMessage,
  caused: Omit<CausedMessages, 'hashes'> & { readonly hash: string },
): boolean {
  const isSame = topic === caused.topic && type === caused.type && sensitive === caused.sensitive;
  if (payload === undefined) return isSame && sensitive === true && status === 'done';
  return isSame && payloadHash(payload) === caused.hash;
}

function isConsistent(tenant: string, name: string, message: AuditedMessage): boolean {
  const isStatus = messageStatuses.includes(message.status);
  const { openPk, closedPk } = indexedAs({ tenant, id: name }, groupOf(message.status));
  return (
    message.id === name &&
    message.tenant === tenant &&
    messageKey({ tenant, id: message.id })?.sk === message.sk &&
    isStatus &&
    messageGroups.includes(groupOf(message.status)) &&
    message.openPk === openPk &&
    message.closedPk === closedPk
  );
}

/** A message waits for as long as its receiver asked for (its lease); without a reason to wait it is not on its way. */
function stuckProblem(id: string, message: AuditedMessage, now: number): AuditProblem[] {
  const { status, createdAt, redrivenAt, leaseUntil, attempts } = message;
  const since = Math.max(Date.parse(redrivenAt ?? createdAt), leaseUntil ?? 0);
  if (!isOpen(message) || since >= now - openMaxMs) return [];
  const seq = Number.parseInt(message.sk, 10);
  const text = `${message.id} (${message.topic}) is ${status} after ${attempts} attempts`;
  return [problem('message_stuck', text, { entity: id, seq })];
}
