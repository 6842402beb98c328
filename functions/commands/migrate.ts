/**
 * Brings the entities of a collection to the newest version of their definition, each by a command of its own with its
 * ledger entry. It may be stopped at any point and begun again: what is migrated is passed over.
 */
import pMap from 'p-map';
import type { Domain } from '../core/definition.ts';
import { versionOf } from '../core/registry.ts';
import * as rejections from '../core/rejections.ts';
import { upgradeCommand } from '../core/upgrade.ts';
import { migration as limits } from '../runtime/limits.ts';
import { readOlder } from '../store/entities/older-entities.ts';
import type { OlderEntity } from '../store/entities/older-entities.ts';
import type { Backend } from './backend.ts';
import { execute } from './execute.ts';
import type { Outcome } from './outcome.ts';

/** The actor of such a command, as the ledger shows it. */
const actor = 'system:migrate';

export interface Migrated {
  /** Entities of all collections that were looked at. */
  readonly looked: number;
  /** Older ones that were found. */
  readonly older: number;
  readonly migrated: number;
  /** Those that could not be migrated, each with the code of what was in the way. */
  readonly left: readonly { readonly tenant: string; readonly id: string; readonly code: string }[];
}

export interface MigrateOptions {
  readonly collection: string;
  /** Counts, and changes nothing. */
  readonly dryRun?: boolean;
  /** Commands at once. */
  readonly concurrency?: number;
  /** Entities of all collections that are looked at before it yields. */
  readonly pageEntities?: number;
}

/** Works page by page, and yields what one page came to. */
export async function* migrate(backend: Backend, options: MigrateOptions): AsyncGenerator<Migrated> {
  const { collection, dryRun = false } = options;
  const { concurrency = limits.concurrency, pageEntities = limits.pageEntities } = options;
  const domain = backend.registry.byCollection(collection);
  let start: Record<string, unknown> | undefined;
  do {
    const query = { collection, below: versionOf(domain), limit: pageEntities };
    const { entities, looked, next } = await readOlder(backend.store, query, start);
    const codes = dryRun
      ? []
      : await pMap(entities, (entity) => upgradeOne(backend, domain, entity), { concurrency });
    const left = entities.flatMap(({ tenant, id }, index) => {
      const code = codes[index];
      return code === undefined ? [] : [{ tenant, id, code }];
    });
    yield { looked, older: entities.length, migrated: codes.length - left.length, left };
    start = next;
  } while (start);
}

/** @returns what was in the way; nothing where the entity is of the newest version now */
async function upgradeOne(
  backend: Backend,
  domain: Domain,
  { tenant, id, definition }: OlderEntity,
): Promise<string | undefined> {
  const version = versionOf(domain);
  const outcome = await execute(backend, {
    kind: 'transition',
    tenant,
    subject: actor,
    // No route, so that no caller's key is ever this one.
    path: `/upgrades/${domain.collection}/${id}`,
    idempotencyKey: `${definition}-${version}`,
    requestId: `upgrade-${id}-${definition}-${version}`,
    domain,
    name: upgradeCommand,
    id,
    payload: {},
    input: {},
    answerOf: () => ({ status: 200, body: '' }),
  });
  return inTheWay(outcome);
}

function inTheWay(outcome: Outcome): string | undefined {
  switch (outcome.kind) {
    case 'committed':
    case 'replayed':
      return undefined;
    case 'refused_for_now':
      // Another command has brought it there meanwhile, or it is gone.
      return outcome.rejection.code === rejections.upToDate.code ? undefined : outcome.rejection.code;
    case 'refused':
      return outcome.rejection.code;
    case 'key_reused':
    case 'contended':
    case 'in_progress':
    case 'unknown':
    case 'unavailable':
      return outcome.kind;
    default:
      return outcome satisfies never;
  }
}
