/** Every command of every domain, as a case that can be brought about any number of times, from definitions alone. */
import { randomUUID } from 'node:crypto';
import { startsOf } from '../../../functions/core/definition.ts';
import type { Domain } from '../../../functions/core/definition.ts';
import type { TimerReference } from '../../../functions/outbox/queue-messages.ts';
import type { Walk } from '../walk.ts';
import type { Request } from './observed.ts';

/** A command ready to be sent, in a tenant where everything it needs is there. */
export type Ready =
  | { readonly is: 'request'; readonly request: Request & { readonly key: string } }
  | { readonly is: 'timer'; readonly timer: TimerReference };

export interface CommandCase {
  readonly domain: string;
  /** All definitions there are, where they are not those of the application. */
  readonly domains?: readonly Domain[];
  /** E.g. `confirm from draft`. */
  readonly name: string;
  readonly prepare: (walk: Walk) => Promise<Ready>;
}

const request = (
  { tenant }: Walk,
  path: string,
  body: unknown,
  subject = 'alice',
  headers: Record<string, string> = {},
): Ready => ({
  is: 'request',
  request: { method: 'POST', path, tenant, subject, key: randomUUID(), body, headers },
});

const pathOf = (domain: Domain, id: string, name: string): string => `/v1/${domain.collection}/${id}/${name}`;

export function commandCases(domains: readonly Domain[]): readonly CommandCase[] {
  return domains.flatMap((domain) => [
    ...creations(domain),
    ...transitions(domain),
    ...refusals(domain),
    ...timers(domain),
    ...locks(domain),
    ...replays(domain),
  ]);
}

/** A key that has its answer already, from a process that is gone: of a creation, a transition, a refusal and a lock. */
function replays(domain: Domain): CommandCase[] {
  const kinds = [creations(domain), transitions(domain), refusals(domain), locks(domain)];
  return kinds.flatMap(([first]) => (first ? [sentAgain(first)] : []));
}

const sentAgain = ({ domain, name, prepare }: CommandCase): CommandCase => ({
  domain,
  name: `${name}, sent again`,
  prepare: async (walk) => {
    const ready = await prepare(walk);
    if (ready.is === 'timer') throw new Error('a timer has no key that is sent again');
    const { method, path, ...options } = ready.request;
    await walk.api.request(method, path, options);
    return ready;
  },
});

function creations(domain: Domain): CommandCase[] {
  const path = `/v1/${domain.collection}`;
  const create: CommandCase = {
    domain: domain.collection,
    name: 'create',
    prepare: async (walk) => {
      const { input, actor } = await walk.prepareCreation(domain);
      return request(walk, path, input, actor);
    },
  };
  const taken: CommandCase = {
    domain: domain.collection,
    name: 'create what is taken',
    prepare: async (walk) => {
      const prepared = await walk.prepareCreation(domain);
      await walk.api.post(path, prepared.input, walk.as(prepared));
      return request(walk, path, prepared.input, prepared.actor);
    },
  };
  return domain.unique ? [create, taken] : [create];
}

function transitions(domain: Domain): CommandCase[] {
  return Object.entries(domain.transitions).flatMap(([name, { internal, from }]) =>
    internal === true
      ? []
      : from.map((status): CommandCase => ({
          domain: domain.collection,
          name: `${name} from ${status}`,
          prepare: async (walk) => {
            const { id } = await walk.reach(domain, status);
            const { input, actor } = await walk.ready(id, name);
            const body = domain.transitions[name]?.input ? input : undefined;
            return request(walk, pathOf(domain, id, name), body, actor);
          },
        })),
  );
}

/** A transition where the machine does not allow it. */
function refusals(domain: Domain): CommandCase[] {
  return Object.entries(domain.transitions).flatMap(([name, { internal, from, authorize }]) => {
    const status = domain.states.find((state) => !from.includes(state) && isNear(domain, state));
    if (internal === true || authorize !== undefined || status === undefined) return [];
    const refused: CommandCase = {
      domain: domain.collection,
      name: `${name} refused in ${status}`,
      prepare: async (walk) => {
        const entity = await walk.reach(domain, status);
        const { input, actor } = await walk.prepare(entity, name);
        const body = domain.transitions[name]?.input ? input : undefined;
        return request(walk, pathOf(domain, entity.id, name), body, actor);
      },
    };
    return [refused];
  });
}

/** Reached by a caller's own transition from the first state. */
const isNear = (domain: Domain, state: string): boolean =>
  startsOf(domain).includes(state) ||
  Object.values(domain.transitions).some(
    ({ internal, from, to }) =>
      internal !== true && startsOf(domain).some((start) => from.includes(start)) && to.includes(state),
  );

function timers(domain: Domain): CommandCase[] {
  const { deadlines = {}, collection } = domain;
  return Object.entries(deadlines).flatMap(([transition, deadline]) =>
    (deadline?.while ?? []).map((status) => ({
      domain: collection,
      name: `${transition} by the timer`,
      prepare: async (walk: Walk) => {
        const { id, due } = await walk.reach(domain, status);
        if (due?.transition !== transition) throw new Error(`${id} does not wait for "${transition}"`);
        return {
          is: 'timer' as const,
          timer: { entity: id, collection, tenant: walk.tenant, transition, dueAt: due.at },
        };
      },
    })),
  );
}

function locks(domain: Domain): CommandCase[] {
  const { collection } = domain;
  const lock = async (walk: Walk, wait: string): Promise<Ready> => {
    const { id } = await walk.create(domain);
    return request(walk, pathOf(domain, id, 'lock'), { ttlSeconds: 60, wait });
  };
  return [
    { domain: collection, name: 'lock, waiting', prepare: (walk) => lock(walk, 'wait') },
    { domain: collection, name: 'lock, not waiting', prepare: (walk) => lock(walk, 'nowait') },
    {
      domain: collection,
      name: 'unlock',
      prepare: async (walk) => {
        const { id } = await walk.create(domain);
        const body = { ttlSeconds: 60, wait: 'wait' };
        const { json } = await walk.api.post(pathOf(domain, id, 'lock'), body, { tenant: walk.tenant });
        return request(walk, pathOf(domain, id, 'unlock'), undefined, 'alice', {
          'lock-token': String(json['token']),
        });
      },
    },
  ];
}
