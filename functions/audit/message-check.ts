/** Compares the messages of an entity with those its ledger entries must have caused. Pure. */
import type { AuditProblem } from '../api/audit.ts';
import {
  groupOf,
  messageGroups,
  messageId,
  messageKey,
  statePartitionOf,
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
  for (const [seq, drafts] of expected) {
    for (const [n, { topic, type }] of drafts.entries()) {
      const name = messageId(id, seq, n);
      const sk = messageKey({ tenant, id: name })?.sk ?? '';
      const message = bySortKey.get(sk);
      if (!message) {
        problems.push(problem('message_missing', `${name} (${topic}, ${type}) is gone`, { entity: id, seq }));
        continue;
      }
      bySortKey.delete(sk);
      const isAsCaused =
        message.topic === topic && message.type === type && isConsistent(tenant, name, message);
      if (!isAsCaused) {
        problems.push(problem('message_changed', `${name} should be ${topic}, ${type}`, { entity: id, seq }));
      }
    }
  }
  for (const message of bySortKey.values()) {
    const seq = Number.parseInt(message.sk, 10);
    // Where the definition cannot tell, any message of an entry that exists is believed.
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

function isConsistent(tenant: string, name: string, message: AuditedMessage): boolean {
  const isStatus = ['pending', 'sent', 'done', 'dead'].includes(message.status);
  return (
    message.id === name &&
    message.tenant === tenant &&
    messageKey({ tenant, id: message.id })?.sk === message.sk &&
    isStatus &&
    messageGroups.includes(groupOf(message.status)) &&
    message.statePk === statePartitionOf(tenant, groupOf(message.status))
  );
}

/** A message waits for as long as its receiver asked for (its lease); without a reason to wait it is not on its way. */
function stuckProblem(id: string, message: AuditedMessage, now: number): AuditProblem[] {
  const { status, createdAt, redrivenAt, leaseUntil, attempts } = message;
  const isOpen = status === 'pending' || status === 'sent';
  const since = Math.max(Date.parse(redrivenAt ?? createdAt), leaseUntil ?? 0);
  if (!isOpen || since >= now - openMaxMs) return [];
  const seq = Number.parseInt(message.sk, 10);
  const text = `${message.id} (${message.topic}) is ${status} after ${attempts} attempts`;
  return [problem('message_stuck', text, { entity: id, seq })];
}
