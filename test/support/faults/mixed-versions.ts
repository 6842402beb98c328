/** A random history in which two versions of a definition are at work beside each other on one store. */
import { randomUUID } from 'node:crypto';
import { createAudit } from '../../../functions/audit/audit.ts';
import { registerDomains } from '../../../functions/core/registry.ts';
import type { Domain } from '../../../functions/core/definition.ts';
import type { TimerReference } from '../../../functions/outbox/queue-messages.ts';
import { beginWith } from '../../../functions/evolution/first-call.ts';
import { createStatementWriter } from '../../../functions/statements/statement-writer.ts';
import type { EntityItem } from '../../../functions/store/entities/items.ts';
import { auditWhole } from '../audited.ts';
import { exampleOf } from '../examples.ts';
import { silent, streamEvent } from '../outbox.ts';
import { dump } from '../table-dump.ts';
import type { Violation } from './checker.ts';
import { RememberingReceiver } from './delivery.ts';
import { faultKinds, Injector } from './fault-client.ts';
import { bound, deliver } from './history.ts';
import { startLab } from './lab.ts';
import type { Lab, Process } from './lab.ts';
import type { Mutate } from './mutants.ts';
import type { Request } from './observed.ts';
import { randomOf } from './random.ts';
import type { Random } from './random.ts';

/** Breaks the builds of both versions, or of one. */
export interface BrokenVersions {
  readonly old?: Mutate;
  readonly next?: Mutate;
  /** What a version takes a body for before it looks at its key. */
  readonly reads?: (domain: Domain, request: Pick<Request, 'path' | 'body'>) => unknown;
  /** The definition with which a version audits. */
  readonly audits?: (domain: Domain) => Domain;
}

export interface MixedHistory extends BrokenVersions {
  readonly versions: readonly [old: Domain, next: Domain];
  readonly seed: number;
}

export interface MixedEnd {
  readonly faults: number;
  /** With the eyes of either version. */
  readonly violations: readonly Violation[];
}

const tenant = 'acme';
const callers = 8;
const steps = 5;
const faultRate = 0.05;
/** More than faults make necessary. */
const timerTries = 8;
/** So few that they are taken again and again. */
const names = ['Ada', 'Bob', 'Cyd', 'Dot'];

interface Version {
  readonly domain: Domain;
  /** One of its processes; one that died is replaced. */
  readonly process: () => Promise<Process>;
}

export async function runMixed(history: MixedHistory): Promise<MixedEnd> {
  const [old, next] = history.versions;
  const random = randomOf(history.seed);
  const injectors: Injector[] = [];
  const injector = (): Injector => {
    const choices = random.fork(injectors.length);
    const made = new Injector(() => (choices.chance(faultRate) ? choices.pick(faultKinds) : undefined));
    injectors.push(made);
    return made;
  };
  const lab = await startLab({ domains: [old], versions: [old, next], checksChanges: false });
  // As the newer version does at its first call.
  await beginWith({ store: lab.clean.backend.store, domains: [next], anyway: true, log: silent });
  const outbox = await bound(lab);
  const receiver = new RememberingReceiver(outbox);
  try {
    const versions = [
      versionOf(lab, old, injector, { mutate: history.old, reads: history.reads }),
      versionOf(lab, next, injector, { mutate: history.next, reads: history.reads }),
    ] as const;
    const ids: string[] = [];
    await Promise.all(
      Array.from({ length: callers }, (_, index) => call(lab, versions, random.fork(1_000 + index), ids)),
    );
    lab.clock.advance(24 * 60 * 60 * 1000);
    outbox.clock.ahead(lab.clock.now() - outbox.clock.now());
    const overdue = await timers(lab, versions, random.fork(2_000));
    await deliver(outbox, receiver, random.fork(3_000), injector);
    await keepStatements(lab, history.versions);
    const delivered = receiver.delivered(true);
    const seen = [
      ...overdue,
      ...(await lab.violations(delivered, [old])),
      ...(await lab.violations(delivered, [next])),
      ...(await audited(lab, old, history.audits)),
      ...(await audited(lab, next, history.audits)),
    ];
    return { faults: injectors.reduce((sum, { injected }) => sum + injected.length, 0), violations: seen };
  } finally {
    await lab.stop();
    await outbox.stop();
  }
}

function versionOf(
  lab: Lab,
  domain: Domain,
  injector: () => Injector,
  {
    mutate,
    reads,
  }: { readonly mutate: Mutate | undefined; readonly reads: BrokenVersions['reads'] | undefined },
): Version {
  let current: Promise<Process> | undefined;
  const start = async (): Promise<Process> => {
    const process = await lab.start({
      domains: [domain],
      injector: injector(),
      ...(mutate && { watch: mutate }),
    });
    void process.life.died.then(() => {
      current = undefined;
    });
    if (!reads) return process;
    const { api } = process;
    const request: typeof api.request = (method, path, options) =>
      api.request(method, path, { ...options, body: reads(domain, { path, body: options?.body }) });
    return { ...process, api: { ...api, request } };
  };
  return { domain, process: () => (current ??= start()) };
}

/** Asks processes of both versions with each key, where both know what is asked for, until it has its answer. */
async function call(
  lab: Lab,
  versions: readonly [Version, Version],
  random: Random,
  ids: string[],
): Promise<void> {
  for (let step = 0; step < steps; step += 1) {
    const [one, other] = random.chance(0.5) ? versions : ([versions[1], versions[0]] as const);
    const request = nextRequest(one.domain, random, ids);
    const asked = [one, other, one, other].filter(({ domain }) => isKnown(domain, request));
    for (const version of asked) {
      const reply = await lab.send(await version.process(), request);
      if (reply?.status === 201) {
        const id = String(reply.json['id']);
        if (!ids.includes(id)) ids.push(id);
      }
    }
  }
}

/** Whether a version has this route for callers, and takes what is sent. */
function isKnown(domain: Domain, { path, body }: Request): boolean {
  const name = path.split('/')[4];
  if (name === undefined) return domain.create.input.safeParse(body).success;
  const transition = domain.transitions[name];
  if (transition === undefined || transition.internal === true) return false;
  return transition.input === undefined || transition.input.safeParse(body).success;
}

function nextRequest(domain: Domain, random: Random, ids: readonly string[]): Request {
  const base = { method: 'POST', tenant, subject: 'alice', key: randomUUID() } as const;
  const path = `/v1/${domain.collection}`;
  if (ids.length === 0 || random.chance(0.3)) {
    const example = exampleOf(domain.create.input, random.pick(['every field', 'required fields']));
    return { ...base, path, body: { ...example, name: random.pick(names) } };
  }
  const transitions = Object.entries(domain.transitions).filter(([, { internal }]) => internal !== true);
  const [name, { input }] = random.pick(transitions);
  const body = input && { ...exampleOf(input) };
  return { ...base, path: `${path}/${random.pick(ids)}/${name}`, ...(body && { body }) };
}

/** What is due comes to one of the versions that know it, at the time that is written, whatever it would compute today. */
async function timers(
  lab: Lab,
  [old, next]: readonly [Version, Version],
  random: Random,
): Promise<readonly Violation[]> {
  for (const item of await entitiesOf(lab)) {
    const { id, collection, dueAt, timerTransition: transition } = item;
    if (dueAt === undefined || transition === undefined) continue;
    const timer: TimerReference = { entity: id, collection, tenant, transition, dueAt };
    const knowing = [old, next].filter(({ domain }) => Object.hasOwn(domain.transitions, transition));
    const version = random.pick(knowing);
    const deliver = async (): Promise<string> => lab.due(await version.process(), timer);
    for (let times = 0; times < timerTries; times += 1) if ((await deliver()) === 'done') break;
    // Its queue may deliver it twice.
    await deliver();
  }
  const overdue = (await entitiesOf(lab)).filter(({ dueAt }) => dueAt !== undefined);
  return overdue.map(({ id, dueAt = 0 }) => ({
    guarantee: 'G20',
    what: `${id} still waits for what was due at ${dueAt}`,
    tenant,
  }));
}

async function entitiesOf({ clean }: Lab): Promise<readonly EntityItem[]> {
  const items = [...(await dump(clean.backend.store)).values()];
  return items.filter(({ sk }) => sk === 'entity') as unknown as readonly EntityItem[];
}

/** What the stream brings to the writers of both versions. */
async function keepStatements({ clean }: Lab, versions: readonly Domain[]): Promise<void> {
  const { store } = clean.backend;
  const items = [...(await dump(store)).values()];
  const entries = items.filter(({ sk }) => String(sk).startsWith('entry#'));
  for (const domain of versions) {
    const write = createStatementWriter({ registry: registerDomains([domain]), store, log: silent });
    await write(streamEvent(...entries));
  }
}

/** What the audit of a version finds. */
async function audited(
  lab: Lab,
  domain: Domain,
  audits: BrokenVersions['audits'] = (itself) => itself,
): Promise<readonly Violation[]> {
  const { clean } = lab;
  const audit = createAudit({ ...clean.backend, registry: registerDomains([audits(domain)]) });
  const { problems } = await auditWhole(audit, tenant);
  return problems.map(({ problem, entity = '' }) => ({
    guarantee: 'G20',
    what: `the audit of version ${domain.version ?? 1} finds ${entity}: ${problem}`,
    tenant,
  }));
}
