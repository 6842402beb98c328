/**
 * What no final state shows: that a floor was never broken (G6), a lock never passed over (G8), that no message is sent
 * without an end (G9), a result kept (G10).
 */
import type { Domain } from '../../../functions/core/definition.ts';
import type { Report } from './checker.ts';
import type { Observed } from './observed.ts';
import type { Change, Item, StoreChanges } from './store-image.ts';

export function checkChanges(
  domains: readonly Domain[],
  { data, outbox }: StoreChanges,
  seen: readonly Observed[],
  report: Report,
): void {
  for (const change of data) {
    checkFloors(domains, change, report);
    checkLock(change, seen, report);
  }
  for (const change of outbox) {
    checkResult(change, report);
    checkSending(change, report);
  }
}

function checkFloors(domains: readonly Domain[], { after }: Change, report: Report): void {
  if (after?.['sk'] !== 'entity') return;
  const domain = domains.find(({ collection }) => collection === after['collection']);
  const balances = (after['balances'] ?? {}) as Record<string, number>;
  for (const [key, { floor }] of Object.entries(domain?.accounts ?? {})) {
    if (floor && (balances[key] ?? 0) < floor.minimum) {
      report('G6', `${String(after['id'])}:${key} was ${String(balances[key])}`, String(after['tenant']));
    }
  }
}

interface Lock {
  readonly token: string;
  readonly fence: number;
  readonly expiresAt: number;
}

/** A command commits on a locked entity by the holder's token alone, and by no token that is not the holder's. */
function checkLock({ before, after }: Change, seen: readonly Observed[], report: Report): void {
  if (before?.['sk'] !== 'entity' || after?.['sk'] !== 'entity') return;
  const [was, is] = [before['lock'] as Lock | undefined, after['lock'] as Lock | undefined];
  const [id, tenant] = [String(after['id']), String(after['tenant'])];
  if (was && (is?.fence ?? 0) < was.fence)
    report('G8', `${id}: its fence went from ${was.fence} to ${is?.fence ?? 0}`, tenant);
  if (after['version'] === before['version']) return;
  const commit = seen.find(
    ({ reply, path, tenant: of }) =>
      of === tenant &&
      path.includes(`/${id}/`) &&
      reply?.status === 200 &&
      reply.json['version'] === after['version'],
  );
  if (!commit) return;
  const token = commit.headers?.['lock-token'];
  if (token !== undefined && token !== was?.token) {
    report(
      'G8',
      `${id}: version ${String(after['version'])} was committed with a token that had lost the lock`,
      tenant,
    );
  }
  const at = Date.parse(String(after['updatedAt']));
  if (token === undefined && was && was.expiresAt > at) {
    report('G8', `${id}: version ${String(after['version'])} was committed without the lock's token`, tenant);
  }
}

/**
 * The stream brings a message to its queue each time it is written while `pending`. A delivery that writes it so brings
 * itself again, and again.
 */
function checkSending({ before, after }: Change, report: Report): void {
  if (before?.['status'] !== 'pending' || after?.['status'] !== 'pending') return;
  const asked = ({ run, answer, behind }: Item): string => JSON.stringify([run, answer, behind]);
  if (asked(before) === asked(after))
    report(
      'G9',
      `${String(after['id'])} was sent once more and nothing asked for it`,
      String(after['tenant']),
    );
}

/** Done is the end, and its result the only one. */
function checkResult({ before, after }: Change, report: Report): void {
  if (before?.['status'] !== 'done') return;
  const kept = (item: Item | undefined): string =>
    JSON.stringify([item?.['status'], item?.['result'], item?.['doneAt']]);
  if (kept(before) !== kept(after)) {
    report('G10', `${String(before['id'])} was done and became ${kept(after)}`, String(before['tenant']));
  }
}
