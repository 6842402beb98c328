/** Runs a definition over a ledger again and compares what it says with what is stored (G1, G5, G15). */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { canonicalize } from 'json-canonicalize';
import { forbiddenTo } from '../../../functions/core/authorize.ts';
import { endsFrom, startsOf } from '../../../functions/core/definition.ts';
import type { Command } from '../../../functions/core/command.ts';
import { contextOf } from '../../../functions/core/context.ts';
import type { AnyTransition, Domain, UniqueValue } from '../../../functions/core/definition.ts';
import { startIn } from '../../../functions/core/domain.ts';
import type { AnyCreation } from '../../../functions/core/domain.ts';
import type { EntityState } from '../../../functions/core/entity.ts';
import { secretFields } from '../../../functions/core/fields.ts';
import { draftsOf } from '../../../functions/core/messages.ts';
import type { MessageDraft } from '../../../functions/core/messages.ts';
import { domainOf, othersAtMost } from '../../../functions/core/others.ts';
import type { Movement, Posting } from '../../../functions/core/postings.ts';
import { momentAfter } from '../../../functions/core/recurrence.ts';
import { rulesIn } from '../../../functions/core/rules.ts';
import type { Rule } from '../../../functions/core/rules.ts';
import { linkedBy } from '../linked.ts';
import type { LinkedTransition } from '../linked.ts';
import type { Report } from './checker.ts';
import type { Item } from './store-image.ts';

export interface Entry {
  readonly seq: number;
  readonly command: string;
  readonly from: string | null;
  readonly to: string;
  readonly actor: string;
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly changes: Readonly<Record<string, unknown>>;
  readonly postings: readonly Posting[];
  readonly definition: number;
  readonly effects?: {
    readonly messages?: readonly {
      readonly topic: string;
      readonly type: string;
      readonly hashes: readonly string[];
    }[];
    readonly [name: string]: unknown;
  };
  readonly hash: string;
  readonly previousHash: string;
}

/** An entity with its history, told again. */
export interface Ledger {
  readonly tenant: string;
  readonly id: string;
  readonly domain: Domain;
  readonly item: Item;
  readonly entries: readonly Entry[];
  /** The shown attributes after each entry. */
  readonly attributes: readonly Readonly<Record<string, unknown>>[];
  /** What each entry should have moved. */
  readonly moves: readonly (readonly LinkedTransition[])[];
  /** The first entries of what its commands created. */
  readonly created: readonly Entry[];
  /** Lowest value of accounts, as the definitions' movements name them. */
  readonly floors: ReadonlyMap<string, number>;
  /** The unique values it should hold now: their hashes, by constraint. */
  readonly held: ReadonlyMap<string, string>;
}

interface Due {
  readonly at: number;
  readonly transition: string;
  readonly while: readonly string[];
}

/** What an entry should have brought about elsewhere. */
interface Step {
  readonly moves: readonly LinkedTransition[];
  readonly messages: readonly MessageDraft[];
}

/** How an entity began. */
export interface Begun {
  readonly id: string;
  readonly collection: string;
  readonly entry: Entry;
}

export interface ReplayParts {
  readonly domains: readonly Domain[];
  /** All versions of the definitions that made entries, where there is more than one. */
  readonly versions: readonly Domain[];
  readonly tenant: string;
  readonly id: string;
  /** With whose eyes it is looked at. */
  readonly domain: Domain;
  readonly item: Item;
  readonly entries: readonly Entry[];
  readonly find: (id: string) => EntityState | undefined;
  /** All entities of the tenant that no command was seen to create: what a command creates is taken out. */
  readonly begun: Set<Begun>;
  readonly report: Report;
}

/** The version of a definition that made an entry, where it is known; else the one that looks at it. */
export const madeBy = (versions: readonly Domain[], domain: Domain, { definition }: Entry): Domain =>
  versions.find(
    ({ collection, version = 1 }) => collection === domain.collection && version === definition,
  ) ?? domain;

export class Replay {
  readonly #parts: ReplayParts;
  readonly #floors = new Map<string, number>();
  readonly #created: Entry[] = [];
  #attributes: Record<string, unknown> = {};
  #status: string | null = null;
  #balances: Record<string, number> = {};
  #due: Due | undefined;
  #held = new Map<string, { readonly hash: string; readonly while: readonly string[] }>();
  /** The version that made the entry that is looked at. */
  #domain: Domain;

  constructor(parts: ReplayParts) {
    this.#parts = parts;
    this.#domain = parts.domain;
  }

  run(messages: readonly Item[]): Ledger {
    const { tenant, id, domain, item, entries } = this.#parts;
    const attributes: Record<string, unknown>[] = [];
    const moves: (readonly LinkedTransition[])[] = [];
    let hash = '0'.repeat(64);
    const unclaimed = new Map(messages.map((message) => [String(message['seq']), [] as Item[]]));
    for (const message of messages) unclaimed.get(String(message['seq']))?.push(message);
    for (const [index, entry] of entries.entries()) {
      this.#expect('G5', entry.seq === index + 1, `entry ${entry.seq} stands at place ${index + 1}`);
      this.#expect(
        'G15',
        entry.previousHash === hash,
        `entry ${entry.seq} does not follow the one before it`,
      );
      this.#expect(
        'G15',
        entry.hash === hashOf(tenant, id, entry),
        `entry ${entry.seq} does not match its hash`,
      );
      hash = entry.hash;
      this.#domain = madeBy(this.#parts.versions, domain, entry);
      const told = this.#stepOf(entry, index);
      moves.push(told.moves);
      attributes.push({ ...this.#attributes });
      this.#messages(entry, told.messages, unclaimed.get(String(entry.seq)) ?? []);
      unclaimed.delete(String(entry.seq));
    }
    for (const seq of unclaimed.keys())
      this.#expect('G9', false, `messages of entry ${seq}, which is not there`);
    this.#expect(
      'G5',
      item['version'] === entries.length,
      `version ${String(item['version'])}, but ${entries.length} entries`,
    );
    this.#expect(
      'G5',
      item['status'] === this.#status,
      `status ${String(item['status'])}, history ends in ${this.#status}`,
    );
    this.#expect('G15', item['headHash'] === hash, 'its head is not its last entry');
    this.#item();
    const held = new Map([...this.#held].map(([constraint, { hash: value }]) => [constraint, value]));
    const [created, floors] = [this.#created, this.#floors];
    return { tenant, id, domain, item, entries, attributes, moves, created, floors, held };
  }

  /** A ledger that is wrong may make no sense to its definition at all. */
  #stepOf(entry: Entry, index: number): Step {
    try {
      return this.#step(entry, index);
    } catch (error) {
      this.#expect('G5', false, `entry ${entry.seq} makes no sense after those before it: ${String(error)}`);
      return { moves: [], messages: [] };
    }
  }

  /** Takes one entry as its definition would. */
  #step(entry: Entry, index: number): Step {
    const { id, find } = this.#parts;
    const domain = this.#domain;
    const isCreate = index === 0;
    this.#expect(
      'G5',
      entry.from === this.#status,
      `entry ${entry.seq} starts from ${entry.from}, not ${this.#status}`,
    );
    if (isCreate) {
      const isFirst = entry.command === 'create' && startsOf(domain).includes(entry.to);
      this.#expect('G5', isFirst, `its first entry is "${entry.command}" to ${entry.to}`);
    }
    const transition = domain.transitions[entry.command];
    const definition = isCreate ? domain.create : transition;
    if (!definition) {
      this.#expect('G5', false, `entry ${entry.seq} is no transition: "${entry.command}"`);
      return { moves: [], messages: [] };
    }
    const command: Command = {
      ...{
        tenant: '',
        domain,
        id,
        actor: entry.actor,
        roles: [],
        now: Date.parse(entry.at),
        random: '',
        seed: '',
      },
      name: isCreate ? 'create' : entry.command,
      input: { ...this.#forgotten(entry), ...entry.data },
    };
    const before: EntityState | undefined = isCreate
      ? undefined
      : {
          ...{ id, collection: domain.collection, status: this.#status ?? '', version: entry.seq - 1 },
          ...{ createdAt: '', updatedAt: '', headHash: '', attributes: this.#attributes, units: {} },
          balances: this.#balances,
        };
    const moves = linkedBy(command, before, find);
    const context = contextOf(command, before, { has: () => true, get: find } as never);
    if (definition.creates)
      Object.defineProperty(context, 'created', {
        value: this.#createdBy(entry, definition.creates, context),
      });
    if (isCreate)
      this.#expect('G5', entry.to === startIn(domain, context), `its first entry leads to ${entry.to}`);
    if (!isCreate && transition) {
      // What the backend does by itself needs nobody's leave.
      const isByItself = /^(?:system|receiver):/.test(entry.actor);
      const forbidden = isByItself
        ? undefined
        : forbiddenTo(entry.actor, transition.authorize, (path) => this.#attributes[path]);
      const broken =
        forbidden ?? rulesIn(transition.rules, context).find((rule) => this.#isBroken(rule, transition));
      this.#expect('G5', !broken, `entry ${entry.seq} breaks the rule "${broken?.code ?? ''}"`);
      const to = transition.next?.(context) ?? endsFrom(transition, this.#status ?? '')[0] ?? this.#status;
      const isPath = transition.from.includes(this.#status ?? '') && entry.to === to;
      this.#expect(
        'G5',
        isPath,
        `entry ${entry.seq} goes by "${entry.command}" from ${this.#status} to ${entry.to}`,
      );
    }
    const said = ((isCreate ? domain.create : transition)?.set?.(context) ?? {}) as Record<string, unknown>;
    const set = { ...this.#comesAgain(entry), ...said };
    this.#settle(entry, set, definition.transfers?.(context) ?? []);
    const after = { ...this.#attributes, status: entry.to };
    return { moves, messages: draftsOf(definition.messages, Object.assign(context, { after })) };
  }

  /** What a command created, by name and as it began: by what each was given, at the same moment. */
  #createdBy(
    { seq, at, actor }: Entry,
    creates: Readonly<Record<string, AnyCreation>>,
    context: object,
  ): Readonly<Record<string, unknown>> {
    const { begun, find } = this.#parts;
    const named = Object.entries(creates).map(([name, creation]): [string, unknown] => {
      const domain = domainOf<Domain>(this.#domain, creation);
      const { input: schema, set } = domain.create;
      const secrets = secretFields(schema);
      const states = [creation.input(context) ?? []].flat().flatMap((told: object) => {
        const input = schema.parse(told);
        const kept = Object.fromEntries(Object.entries(input).filter(([field]) => !secrets.has(field)));
        const found = [...begun].find(
          ({ collection, entry }) =>
            collection === domain.collection &&
            [entry.at, entry.actor].join() === [at, actor].join() &&
            isDeepStrictEqual(entry.data, kept),
        );
        const what = `entry ${seq} created no ${domain.type} of ${JSON.stringify(kept)}`;
        this.#expect('G1', found !== undefined, what);
        if (!found) return [];
        begun.delete(found);
        this.#created.push(found.entry);
        const { id } = found;
        const command = { tenant: '', domain, name: 'create', id, actor, input, random: '', seed: '' };
        const known = { has: () => true, get: find } as never;
        const its = contextOf({ ...command, now: Date.parse(at) }, undefined, known);
        return [{ ...set(its), id, status: startIn(domain, its) }];
      });
      return [name, othersAtMost(creation) > 1 ? states : states[0]];
    });
    return Object.fromEntries(named);
  }

  /** A ledger keeps no secrets, and no definition but a rule asks for one. */
  #forgotten({ command }: Entry): Record<string, string> {
    const domain = this.#domain;
    const schema = command === 'create' ? domain.create.input : domain.transitions[command]?.input;
    return Object.fromEntries([...(schema ? secretFields(schema) : [])].map((name) => [name, '']));
  }

  #settle(entry: Entry, set: Record<string, unknown>, movements: readonly Movement[]): void {
    const domain = this.#domain;
    const before = { attributes: this.#attributes, status: this.#status };
    const all = Object.entries({ ...this.#attributes, ...set });
    this.#attributes = Object.fromEntries(all.filter(([, value]) => value !== undefined));
    this.#status = entry.to;
    this.#hold(before);
    this.#wait(entry);
    const expected = movements.map((movement) => this.#posting(movement));
    const sorted = (postings: readonly Posting[]): string[] =>
      postings.map((each) => canonicalize(each)).sort();
    const same = isDeepStrictEqual(sorted(expected), sorted(entry.postings));
    this.#expect(
      'G1',
      same,
      `entry ${entry.seq} has postings ${JSON.stringify(entry.postings)}, not ${JSON.stringify(expected)}`,
    );
    for (const { account, amount } of entry.postings) {
      const [owner, key = ''] = account.split(':');
      if (owner !== this.#parts.id || !Object.hasOwn(domain.accounts ?? {}, key)) continue;
      this.#balances[key] = (this.#balances[key] ?? 0) + amount;
    }
  }

  /** Released in the states in which it was not taken; taken where this command gives or changes it. */
  #hold(before: { readonly attributes: Record<string, unknown>; readonly status: string | null }): void {
    const status = this.#status ?? '';
    const written = new Map(this.#held);
    for (const [constraint, hold] of written) if (!hold.while.includes(status)) this.#held.delete(constraint);
    for (const unique of (this.#domain.unique ?? []) as readonly UniqueValue<string, unknown>[]) {
      if (!unique.while.includes(status)) continue;
      const [was, is] = [
        before.status === null ? undefined : unique.of(before.attributes),
        unique.of(this.#attributes),
      ];
      const wasHeld = before.status !== null && unique.while.includes(before.status);
      const isSame = wasHeld && isDeepStrictEqual(was, is);
      const hash = isSame ? written.get(unique.name)?.hash : is && hashOfValues(is);
      if (hash === undefined) this.#held.delete(unique.name);
      else if (this.#held.get(unique.name)?.hash !== hash)
        this.#held.set(unique.name, { hash, while: unique.while });
    }
  }

  /** Whether an entry is what the entity waited for. */
  #isDue({ actor, command }: Entry): boolean {
    return actor === 'system:timer' && command === this.#due?.transition;
  }

  /** What a deadline that comes again sets. */
  #comesAgain(entry: Entry): Record<string, unknown> {
    const { at, every, since } = this.#domain.deadlines?.[entry.command] ?? {};
    if (!this.#isDue(entry) || !this.#due || at === undefined || !every || since === undefined) return {};
    const next = momentAfter(every, Date.parse(String(this.#attributes[since])), this.#due.at);
    return { [at]: new Date(next).toISOString() };
  }

  #wait(entry: Entry): void {
    const status = this.#status ?? '';
    const { deadlines = {} } = this.#domain;
    const written = this.#due;
    const isLeft =
      written?.while.includes(status) === true &&
      !this.#isDue(entry) &&
      !Object.hasOwn(deadlines, written.transition);
    const waits = Object.entries(deadlines).flatMap(([transition, deadline]): Due[] => {
      const at = deadline ? Date.parse(String(this.#attributes[deadline.at])) : Number.NaN;
      const isWaitedFor = deadline?.while.includes(status) === true && !Number.isNaN(at);
      return isWaitedFor ? [{ at, transition, while: deadline.while }] : [];
    });
    [this.#due] = [...waits, ...(isLeft ? [written] : [])].sort((one, other) => one.at - other.at);
  }

  #posting({ account, amount }: Movement): Posting {
    const { domains, id } = this.#parts;
    const domain = this.#domain;
    if ('name' in account) {
      if (account.floor) this.#floors.set(account.name, account.floor.minimum);
      return { account: account.name, unit: account.unit, amount };
    }
    const owner = 'own' in account ? { collection: domain.collection, id } : account.owner;
    const key = 'own' in account ? account.own : account.key;
    const of =
      owner.collection === domain.collection
        ? domain
        : domains.find(({ collection }) => collection === owner.collection);
    const { unit = '' } = of?.accounts?.[key] ?? {};
    const said = 'own' in account ? this.#attributes : { unit: account.unit };
    const kept = typeof unit === 'string' ? unit : said['own' in account ? unit.from : 'unit'];
    return { account: `${owner.id}:${key}`, unit: String(kept), amount };
  }

  /** Tests on attributes, as they were. Time, secrets and accounts that others move cannot be told from a ledger. */
  #isBroken({ test }: Rule, transition: AnyTransition): boolean {
    const domain = this.#domain;
    if (test.op === 'fact' || test.op === 'secret') return false;
    if (test.path === 'status' || Object.hasOwn(domain.accounts ?? {}, test.path)) return false;
    if (transition.input && secretFields(transition.input).size > 0) return false;
    const value = this.#attributes[test.path];
    switch (test.op) {
      case 'is':
        return value !== test.value;
      case 'isNot':
        return value === test.value;
      case 'atLeast':
        return Number(value) < test.value;
      case 'atMost':
        return Number(value) > test.value;
      case 'contains':
        return !(value as unknown[]).includes(test.value);
      case 'lacks':
        return (value as unknown[]).includes(test.value);
      case 'missing':
        return value !== undefined;
      case 'isIn':
        return !test.values.some((one) => one === value);
      default:
        return test satisfies never;
    }
  }

  #messages(entry: Entry, drafts: readonly MessageDraft[], items: readonly Item[]): void {
    const { seq } = entry;
    const name = (topic: unknown, type: unknown): string => `${String(topic)} ${String(type)}`;
    const expected = drafts.map(({ topic, type }) => name(topic, type)).sort();
    const actual = items.map((item) => name(item['topic'], item['type'])).sort();
    const missing = expected.length > actual.length;
    const problem = `entry ${seq} has messages [${actual.join(', ')}], not [${expected.join(', ')}]`;
    this.#expect(missing ? 'G1' : 'G9', isDeepStrictEqual(actual, expected), problem);
    const recorded = (entry.effects?.messages ?? [])
      .flatMap(({ topic, type, hashes }) => hashes.map(() => name(topic, type)))
      .sort();
    this.#expect(
      'G1',
      isDeepStrictEqual(recorded, expected),
      `entry ${seq} tells of messages [${recorded.join(', ')}], not [${expected.join(', ')}]`,
    );
    const { tenant, id } = this.#parts;
    const named = items.every((item) => item['tenant'] === tenant && item['entity'] === id);
    this.#expect('G13', named, `a message of entry ${seq} names another entity or tenant`);
  }

  /** What the item itself should say. */
  #item(): void {
    const { item, domain } = this.#parts;
    const stored = item['attributes'] as Record<string, unknown>;
    for (const name of Object.keys(domain.attributes.shape)) {
      const same = isDeepStrictEqual(stored[name], this.#attributes[name]);
      this.#expect(
        'G1',
        same,
        `attribute "${name}" is ${JSON.stringify(stored[name])}, its ledger says ${JSON.stringify(this.#attributes[name])}`,
      );
    }
    const dueAt = this.#due?.at;
    this.#expect(
      'G1',
      item['dueAt'] === dueAt,
      `it is due at ${String(item['dueAt'])}, not at ${String(dueAt)}`,
    );
  }

  #expect(guarantee: Parameters<Report>[0], holds: boolean, what: string): void {
    const { report, id, tenant } = this.#parts;
    if (!holds) report(guarantee, `${id}: ${what}`, tenant);
  }
}

const hashOfValues = (values: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(values)).digest('base64url');

/** SHA-256 over the canonical JSON (RFC 8785) of the entry with its tenant and entity. */
function hashOf(tenant: string, entity: string, entry: Entry): string {
  const { seq, command, from, to, actor, at, data, changes, postings, previousHash } = entry;
  const { definition, effects } = entry;
  const content = {
    tenant,
    entity,
    seq,
    command,
    from,
    to,
    actor,
    at,
    data,
    changes,
    postings,
    previousHash,
    definition,
    ...(effects && { effects }),
  };
  return createHash('sha256').update(canonicalize(content)).digest('hex');
}
