/** What receivers saw of the messages (G9, G10, G11, G17). */
import type { Report } from './checker.ts';
import type { StoreImage } from './store-image.ts';

/** One call of a receiver. */
export interface Call {
  /** The idempotency key it carried. */
  readonly key: string;
  readonly message: string;
  readonly tenant: string;
  readonly entity: string;
  readonly type: string;
  readonly seq: number;
  /** Whether the receiver acted. */
  readonly acted: boolean;
  /** Whether the record said `done` before the call began. */
  readonly afterDone: boolean;
}

export interface Delivered {
  readonly calls: readonly Call[];
  /** The newest state of each entity, as a receiver that heeds `seq` keeps it: `tenant entity` to `seq`. */
  readonly newest: ReadonlyMap<string, number>;
  /** Whether everything was given time to end. */
  readonly isOver: boolean;
  /** Where no call's outcome was lost, a second one that acts is one too many. */
  readonly actsOnce?: boolean;
}

export function checkDeliveries(
  { outbox }: StoreImage,
  { calls, newest, isOver, actsOnce = false }: Delivered,
  report: Report,
): void {
  const byMessage = new Map<string, Call[]>();
  for (const call of calls) {
    const name = `${call.tenant} ${call.message}`;
    byMessage.set(name, [...(byMessage.get(name) ?? []), call]);
    if (call.key !== call.message)
      report('G10', `${call.message} came with the key ${call.key}`, call.tenant);
    const acted = byMessage.get(name)?.filter((each) => each.acted).length ?? 0;
    if (actsOnce && acted > 1) report('G17', `${call.message} took effect ${acted} times`, call.tenant);
    if (call.afterDone) report('G17', `${call.message} was called again after it was done`, call.tenant);
  }
  const seqs = new Map<string, number>();
  for (const item of outbox) {
    const { id, tenant, entity, status, lastError, result, refused, sk } = item as Record<string, string>;
    // By its place in the ledger, whatever the message itself says.
    const seq = Number(sk?.split('#')[0]);
    const name = `${String(tenant)} ${String(id)}`;
    if (isOver && status !== 'done' && status !== 'dead') {
      report('G9', `${String(id)} ended as ${String(status)}`, tenant);
    }
    if (status === 'dead' && lastError === undefined)
      report('G9', `${String(id)} is dead without a reason`, tenant);
    const acted = (byMessage.get(name) ?? []).some((call) => call.acted);
    if (status === 'done' && !acted && refused === undefined)
      report('G9', `${String(id)} is done, and no receiver has acted`, tenant);
    if (status === 'done' && result === undefined && refused === undefined)
      report('G10', `${String(id)} is done without a result`, tenant);
    byMessage.delete(name);
    // One that acted, and whose answer was lost for good, is dead, and the receiver has kept it.
    if (status === 'done' || (status === 'dead' && acted)) {
      const place = `${String(tenant)} ${String(entity)}`;
      seqs.set(place, Math.max(seqs.get(place) ?? 0, seq));
    }
  }
  for (const name of byMessage.keys()) report('G9', `a receiver saw ${name}, which no command sent`);
  for (const [place, seq] of seqs) {
    const kept = newest.get(place);
    if (kept !== undefined && kept !== seq) {
      report('G11', `the receiver of ${place} ended at ${kept}, the newest message is ${seq}`);
    }
  }
}
