/** What stands in the way of a command before its definition is asked anything: its caller, a lock, a version, a state. */
import { forbiddenTo } from './authorize.ts';
import type { Command } from './command.ts';
import { isLocked, valueAt } from './entity.ts';
import type { EntityState } from './entity.ts';
import { transitionOf } from './named-others.ts';
import { allowedTransitions } from './registry.ts';
import type { Rejection } from './rejections.ts';
import * as rejections from './rejections.ts';
import { isOlder, upgradeCommand } from './upgrade.ts';

/** Who may create is asked of what is sent alone; where another command creates, who may ask for that may. */
export function creatorRejectionOf({ domain, name, actor, roles, input }: Command): Rejection | undefined {
  if (name !== 'create' || !roles) return undefined;
  const forbidden = forbiddenTo(actor, domain.create.authorize, (path) => input[path]);
  return forbidden && rejections.rejectedBy(forbidden);
}

/** What stands in the way of a transition before its definition is asked anything. */
export function rejectionOf(command: Command, entity: EntityState): Rejection | undefined {
  const { domain, name, actor, roles, now, ifMatch, lockToken, dueAt } = command;
  const transition = transitionOf(domain, name);
  if (name === upgradeCommand && !isOlder(domain, entity)) return rejections.upToDate;
  // The entity may have gone on since this deadline was set, or wait for a later one.
  const isDue = entity.due?.at === dueAt && entity.due?.transition === name;
  if (dueAt !== undefined && !isDue) return rejections.notDue;
  const lockRejection = lockRejectionOf(entity, lockToken, now);
  if (lockRejection) return lockRejection;
  const versionRejection = versionRejectionOf(entity, ifMatch);
  if (versionRejection) return versionRejection;
  const forbidden =
    roles && forbiddenTo(actor, transition?.authorize, (path) => valueAt(domain, entity, path));
  if (forbidden) return rejections.rejectedBy(forbidden);
  return transition?.from.includes(entity.status)
    ? undefined
    : rejections.transitionNotAllowed(name, entity.status, allowedTransitions(domain, entity.status));
}

/** Why an entity is not the one a caller saw, where that matters to the caller. */
export const versionRejectionOf = (
  { version }: EntityState,
  ifMatch: number | undefined,
): Rejection | undefined =>
  ifMatch === undefined || ifMatch === version ? undefined : rejections.versionMismatch(version);

/** Whether a lock stands in the way of a command. */
export function lockRejectionOf(
  entity: EntityState,
  lockToken: string | undefined,
  now: number,
): Rejection | undefined {
  const isHeld = isLocked(entity, now);
  if (lockToken !== undefined)
    return isHeld && entity.lock?.token === lockToken ? undefined : rejections.lockLost;
  return isHeld ? rejections.locked : undefined;
}
