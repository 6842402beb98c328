/**
 * What definitions would find in a store: its entities by version and status, those that would be stranded, and what the
 * new machines make of the stored ledgers. It only reads. A page at a time; what a page came to is plain data, so that a
 * survey that was stopped goes on from there.
 */
import pMap from 'p-map';
import type { AuditBackend } from '../../../functions/audit/verify-entities.ts';
import { entityProblems } from '../../../functions/audit/entity-check.ts';
import { beginning, nothingFound, step } from '../../../functions/audit/ledger-walk.ts';
import { readSegment } from '../../../functions/audit/segments.ts';
import { startsOf } from '../../../functions/core/definition.ts';
import type { Domain } from '../../../functions/core/definition.ts';
import type { LedgerEntry } from '../../../functions/core/ledger.ts';
import { upgraded, upgradeCommand } from '../../../functions/core/upgrade.ts';
import { holdsBy } from '../../../functions/core/unique-holds.ts';
import { readHolders } from '../../../functions/store/audit/audit-reads.ts';
import { readAllEntities } from '../../../functions/store/entities/all-entities.ts';
import type { ScanKey } from '../../../functions/store/entities/all-entities.ts';
import { entityState } from '../../../functions/store/entities/items.ts';
import { wholeItem } from '../../../functions/store/entities/whole.ts';
import type { EntityItem } from '../../../functions/store/entities/items.ts';
import { survey as limits } from '../../../functions/runtime/limits.ts';
import { reasonsOf } from './stranded.ts';

/** Some that are so, and how many there are. */
export interface Named {
  readonly count: number;
  /** `tenant id`, the first that were found. */
  readonly first: readonly string[];
}

export interface Survey {
  readonly looked: number;
  /** How many, by collection, version of the definition that wrote them last, and status. */
  readonly entities: Readonly<Record<string, number>>;
  /** By collection and reason. */
  readonly stranded: Readonly<Record<string, Named>>;
  readonly ledgers: {
    /** Entries that were folded. */
    readonly entries: number;
    /** Entities whose ledgers were not, since there are more entries than are folded at once. */
    readonly left: number;
    /** Steps of the past that the new machine does not make any more; the ledger keeps them. */
    readonly steps: Readonly<Record<string, number>>;
    /** What the audit would find, by collection and what it is. */
    readonly problems: Readonly<Record<string, Named>>;
  };
  /** Where it goes on; absent at the end. */
  readonly next?: ScanKey;
}

export const nothingSeen: Survey = {
  looked: 0,
  entities: {},
  stranded: {},
  ledgers: { entries: 0, left: 0, steps: {}, problems: {} },
};

export interface SurveyOptions {
  /** Ledger entries that are folded in all. */
  readonly entriesMax?: number;
  readonly pageEntities?: number;
}

/** @param from what an earlier survey came to */
export async function* surveyed(
  backend: AuditBackend,
  { entriesMax = limits.entriesMax, pageEntities = limits.pageEntities }: SurveyOptions = {},
  from: Survey = nothingSeen,
): AsyncGenerator<Survey> {
  let survey = from;
  do {
    const { items, next } = await readAllEntities(backend.store, pageEntities, survey.next);
    const left = entriesMax - survey.ledgers.entries;
    const tally = new Tally(survey, left);
    await pMap(items, (item) => look(backend, item, tally), { concurrency: limits.concurrency });
    survey = tally.told(next);
    yield survey;
  } while (survey.next);
}

/** Adds up what one page holds. */
class Tally {
  readonly #before: Survey;
  readonly #entities: Map<string, number>;
  readonly #steps: Map<string, number>;
  readonly #stranded: Map<string, Named>;
  readonly #problems: Map<string, Named>;
  #looked = 0;
  #entries = 0;
  #left = 0;
  readonly #entriesMax: number;

  constructor(before: Survey, entriesMax: number) {
    this.#before = before;
    this.#entriesMax = entriesMax;
    this.#entities = new Map(Object.entries(before.entities));
    this.#stranded = new Map(Object.entries(before.stranded));
    this.#steps = new Map(Object.entries(before.ledgers.steps));
    this.#problems = new Map(Object.entries(before.ledgers.problems));
  }

  get isFull(): boolean {
    return this.#entries >= this.#entriesMax;
  }

  entity({ collection, status, def = 1 }: EntityItem): void {
    this.#looked += 1;
    count(this.#entities, `${collection}, version ${def}, ${status}`);
  }

  stranded(item: EntityItem, reason: string): void {
    name(this.#stranded, item, reason);
  }

  problem(item: EntityItem, text: string): void {
    name(this.#problems, item, text);
  }

  entry(): void {
    this.#entries += 1;
  }

  step({ collection }: EntityItem, { command, from, to }: LedgerEntry): void {
    count(this.#steps, `${collection}: ${command} from ${from ?? 'nothing'} to ${to}`);
  }

  notFolded(): void {
    this.#left += 1;
  }

  told(next: ScanKey | undefined): Survey {
    const { looked, ledgers } = this.#before;
    return {
      looked: looked + this.#looked,
      entities: Object.fromEntries(this.#entities),
      stranded: Object.fromEntries(this.#stranded),
      ledgers: {
        entries: ledgers.entries + this.#entries,
        left: ledgers.left + this.#left,
        steps: Object.fromEntries(this.#steps),
        problems: Object.fromEntries(this.#problems),
      },
      ...(next && { next }),
    };
  }
}

const count = (counts: Map<string, number>, what: string): unknown =>
  counts.set(what, (counts.get(what) ?? 0) + 1);

function name(all: Map<string, Named>, { collection, tenant, id }: EntityItem, what: string): void {
  const key = `${collection}: ${what}`;
  const { count: before, first } = all.get(key) ?? { count: 0, first: [] };
  const named = first.length < limits.namedMax ? [...first, `${tenant} ${id}`] : first;
  all.set(key, { count: before + 1, first: named });
}

async function look(backend: AuditBackend, listed: EntityItem, tally: Tally): Promise<void> {
  const item = await wholeItem(backend.store, listed.tenant, listed);
  tally.entity(item);
  const domain = backend.registry.find(item.collection);
  if (!domain) {
    tally.stranded(item, 'the collection is gone');
    return;
  }
  const reasons = reasonsOf(domain, entityState(item));
  for (const reason of reasons) tally.stranded(item, reason);
  // Attributes that make no sense to the definition may have no unique value.
  if (reasons.length === 0) await lookAtUnique(backend, domain, item, tally);
  if (tally.isFull) tally.notFolded();
  else await fold(backend, domain, item, tally);
}

/** A value that it would take with its next command or by `migrate`, and that another holds. */
async function lookAtUnique(
  { store }: AuditBackend,
  domain: Domain,
  item: EntityItem,
  tally: Tally,
): Promise<void> {
  const { id, tenant, held = {} } = item;
  const wanted = Object.entries(holdsBy(domain, upgraded(domain, entityState(item))))
    .filter(([constraint, { hash }]) => held[constraint]?.hash !== hash)
    .map(([constraint, { hash }]) => ({ constraint, hash }));
  if (wanted.length === 0) return;
  const holders = await readHolders(store, tenant, wanted);
  for (const [index, { constraint }] of wanted.entries()) {
    const holder = holders[index];
    if (holder !== undefined && holder !== id) tally.stranded(item, `its "${constraint}" is held by another`);
  }
}

/** Walks its ledger with the new definition, as the audit does, and looks for steps that its machine does not make. */
async function fold(
  { store, clock }: AuditBackend,
  domain: Domain,
  item: EntityItem,
  tally: Tally,
): Promise<void> {
  const { tenant, id } = item;
  const subject = { tenant, domain, id };
  const findings = nothingFound();
  let walked = beginning;
  let entity: EntityItem | undefined;
  let isLast = false;
  while (!isLast) {
    const segment = await readSegment(store, tenant, id, walked.seq);
    entity ??= segment.entity;
    ({ isLast } = segment);
    for (const each of segment.items) {
      walked = step(subject, walked, each, findings);
      tally.entry();
    }
    if (!isLast && tally.isFull) {
      tally.notFolded();
      return;
    }
  }
  for (const entry of findings.intact) if (!isStepOf(domain, entry)) tally.step(item, entry);
  // A command that commits between two reads makes it look wrong; the audit tells that for certain.
  const problems =
    entity?.version === walked.seq
      ? [
          ...findings.problems,
          ...entityProblems(subject, walked, await wholeItem(store, tenant, entity), clock.now()),
        ]
      : findings.problems;
  for (const { problem } of problems) tally.problem(item, problem.split(':')[0] ?? problem);
}

function isStepOf(domain: Domain, { command, from, to, effects }: LedgerEntry): boolean {
  if (command === upgradeCommand) return true;
  if (from === null) return startsOf(domain).includes(to);
  const transition = Object.hasOwn(domain.transitions, command) ? domain.transitions[command] : undefined;
  return transition?.from.includes(effects?.upgradedTo ?? from) === true && transition.to.includes(to);
}
