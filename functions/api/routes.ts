/** The routes that follow from the definitions, and what each needs. OpenAPI is made from the same table. */
import * as z from 'zod';
import { prose } from '../core/fields.ts';
import type { AnyTransition, Domain } from '../core/definition.ts';
import { statesOf } from '../core/registry.ts';
import type { Registry } from '../core/registry.ts';
import { redrive, redriveRun } from '../runtime/delivery-limits.ts';
import { field, lock, request } from '../runtime/limits.ts';
import { topics } from '../runtime/topics.ts';
import { messageStatuses } from '../store/outbox/message-items.ts';
import type { Scope } from './caller.ts';
import { idempotencyKeyForm } from './headers.ts';

export type Operation =
  | { readonly is: 'create'; readonly domain: Domain }
  | { readonly is: 'get'; readonly domain: Domain }
  | { readonly is: 'list'; readonly domain: Domain }
  | {
      readonly is: 'transition';
      readonly domain: Domain;
      readonly name: string;
      readonly transition: AnyTransition;
    }
  | { readonly is: 'ledger'; readonly domain: Domain }
  | { readonly is: 'entityMessages'; readonly domain: Domain }
  | { readonly is: 'timing'; readonly domain: Domain }
  | { readonly is: 'lock'; readonly domain: Domain }
  | { readonly is: 'unlock'; readonly domain: Domain }
  | { readonly is: 'balance' }
  | { readonly is: 'statement' }
  | { readonly is: 'messages' }
  | { readonly is: 'messageGroups' }
  | { readonly is: 'redriveMessage' }
  | { readonly is: 'resolveMessage' }
  | { readonly is: 'redriveMessages' }
  | { readonly is: 'operations' }
  | { readonly is: 'redrives' }
  | { readonly is: 'beginRedrive' }
  | { readonly is: 'redriveRun' }
  | { readonly is: 'stopRedrive' }
  | { readonly is: 'request' }
  | { readonly is: 'audit' };

export interface Route {
  readonly method: 'GET' | 'POST';
  /** With `{name}` for parameters, as OpenAPI writes them. */
  readonly path: string;
  readonly scope: Scope;
  readonly operation: Operation;
  /** Of the body; absent where there is none. */
  readonly body?: z.ZodObject;
  readonly query?: z.ZodObject;
}

/** Written in digits, not in another of JavaScript's spellings of a number. */
const limit = z
  .string()
  .refine((text) => /^\d{1,9}$/.test(text), { error: 'must be a whole number', abort: true })
  .transform(Number)
  .pipe(z.int().min(1).max(request.pageMax))
  .default(request.pageDefault)
  .meta({
    description: 'How many items at most.',
    override: { type: 'integer', minimum: 1, maximum: request.pageMax, default: request.pageDefault },
  });
const cursor = z.string().max(2_048).optional().meta({ description: '`nextCursor` of the page before.' });
const paging = { limit, cursor };

export const lockBody = z.strictObject({
  ttlSeconds: z
    .int()
    .min(1)
    .max(lock.ttlMaxSeconds)
    .meta({ examples: [30] }),
  wait: z
    .enum(['wait', 'nowait'])
    .default('wait')
    .meta({ examples: ['wait'] }),
});

export const resolveBody = z.strictObject({
  outcome: z.enum(['done', 'refused']).meta({ examples: ['done'] }),
  note: prose('The bank says by telephone that it has paid.').meta({
    description: 'How this is known. It is kept on the message.',
  }),
  result: z.json().optional().meta({
    description: 'Of `done`: what the receiver would have answered. An object, unless it is a call.',
  }),
});

export const redriveBody = z.strictObject({
  topic: z.enum(topics).meta({ examples: ['external-call'] }),
  limit: z
    .int()
    .min(1)
    .max(redrive.bulkMax)
    .default(redrive.bulkDefault)
    .meta({ examples: [100] }),
});

const name = z.string().min(1).max(field.textMaxCharacters).optional();
const moment = z.iso.datetime({ offset: true }).optional();

export const beginRedriveBody = z.strictObject({
  match: z
    .strictObject({
      topic: z.enum(topics).optional(),
      type: name.meta({ description: 'What they are about.' }),
      code: name.meta({ description: 'Of the last error.' }),
      since: moment.meta({ description: 'Those that died then or later.' }),
      until: moment.meta({ description: 'Those that died then or earlier.' }),
      entity: name.meta({ description: 'Id of the entity that caused them.' }),
    })
    .meta({
      description: 'Which dead messages; what is left out means all.',
      examples: [{ topic: 'external-call', code: '503' }],
    }),
  dryRun: z.boolean().default(false).meta({ description: 'Says what a run would do, and writes nothing.' }),
  startWith: z
    .int()
    .min(1)
    .max(redriveRun.stepMax)
    .default(redriveRun.startWithDefault)
    .meta({ description: 'Messages of the first step.' }),
  factor: z
    .number()
    .min(1)
    .max(redriveRun.factorMax)
    .default(redriveRun.factorDefault)
    .meta({ description: `Each step has so many times as many, up to ${redriveRun.stepMax}.` }),
  stopAtFailureShare: z
    .number()
    .min(0)
    .max(1)
    .default(redriveRun.stopAtFailureShareDefault)
    .meta({ description: 'The run stops by itself where more than this share of a step dies again.' }),
  note: prose('The provider has repaired it.')
    .optional()
    .meta({ description: 'Why. It is kept with the run.' }),
});

export const stopRedriveBody = z.strictObject({
  note: prose('It still fails.').optional().meta({ description: 'Why. It is kept in the log.' }),
});

export function routesOf({ domains }: Registry): readonly Route[] {
  return [
    ...domains.flatMap(domainRoutes),
    // Before the balance, whose account may be called anything.
    {
      method: 'GET',
      path: '/v1/balances/{account}/entries',
      scope: 'commands',
      operation: { is: 'statement' },
      query: z.strictObject(paging),
    },
    { method: 'GET', path: '/v1/balances/{account}', scope: 'commands', operation: { is: 'balance' } },
    {
      method: 'GET',
      path: '/v1/messages',
      scope: 'ops',
      operation: { is: 'messages' },
      query: z.strictObject({
        status: z.enum(messageStatuses).optional(),
        topic: z.enum(topics).optional(),
        type: z
          .string()
          .max(256)
          .optional()
          .meta({ description: 'What it is about.', examples: ['payment.capture'] }),
        code: z
          .string()
          .max(256)
          .optional()
          .meta({ description: 'Of the last error, or of the refusal.', examples: ['503'] }),
        uncertain: z
          .enum(['true', 'false'])
          .optional()
          .meta({ description: 'Whether the receiver may have acted and nobody knows.' }),
        ...paging,
      }),
    },
    {
      method: 'GET',
      path: '/v1/messages/groups',
      scope: 'ops',
      operation: { is: 'messageGroups' },
      query: z.strictObject({
        status: z.literal('dead').default('dead').meta({ description: 'Those that wait for a person.' }),
        cursor,
      }),
    },
    {
      method: 'POST',
      path: '/v1/messages/redrive',
      scope: 'ops',
      operation: { is: 'redriveMessages' },
      body: redriveBody,
    },
    {
      method: 'POST',
      path: '/v1/messages/{id}/resolve',
      scope: 'ops',
      operation: { is: 'resolveMessage' },
      body: resolveBody,
    },
    { method: 'POST', path: '/v1/messages/{id}/redrive', scope: 'ops', operation: { is: 'redriveMessage' } },
    {
      method: 'GET',
      path: '/v1/operations',
      scope: 'ops',
      operation: { is: 'operations' },
      query: z.strictObject(paging),
    },
    {
      method: 'GET',
      path: '/v1/redrives',
      scope: 'ops',
      operation: { is: 'redrives' },
      query: z.strictObject(paging),
    },
    {
      method: 'POST',
      path: '/v1/redrives',
      scope: 'ops',
      operation: { is: 'beginRedrive' },
      body: beginRedriveBody,
    },
    { method: 'GET', path: '/v1/redrives/{id}', scope: 'ops', operation: { is: 'redriveRun' } },
    {
      method: 'POST',
      path: '/v1/redrives/{id}/stop',
      scope: 'ops',
      operation: { is: 'stopRedrive' },
      body: stopRedriveBody,
    },
    {
      method: 'GET',
      path: '/v1/requests',
      scope: 'ops',
      operation: { is: 'request' },
      // Not in the path: a key may hold anything that can be seen, slashes too.
      query: z.strictObject({
        key: z
          .string()
          .max(2 * request.idempotencyKeyMaxCharacters + 2)
          .meta({
            description: 'Its `Idempotency-Key`, bare or quoted.',
            examples: ['order-1'],
            pattern: idempotencyKeyForm.source,
          }),
        path: z
          .string()
          .max(field.textMaxCharacters)
          .meta({ description: 'The path that it was sent to.', examples: ['/v1/payments'] }),
        subject: z
          .string()
          .max(field.textMaxCharacters)
          .optional()
          .meta({
            description: 'Who sent it, as the token said; yourself unless told.',
            examples: ['alice'],
          }),
      }),
    },
    {
      method: 'GET',
      path: '/v1/audit',
      scope: 'ops',
      operation: { is: 'audit' },
      query: z.strictObject({ cursor }),
    },
  ];
}

function domainRoutes(domain: Domain): readonly Route[] {
  const path = `/v1/${domain.collection}`;
  const entity = `${path}/{id}`;
  const scope = 'commands';
  const { input } = domain.create;
  const creation: Route = {
    method: 'POST',
    path,
    scope,
    operation: { is: 'create', domain },
    body: input,
  };
  const status = z.enum(statesOf(domain) as [string, ...string[]]).optional();
  return [
    ...(domain.create.internal === true ? [] : [creation]),
    {
      method: 'GET',
      path,
      scope,
      operation: { is: 'list', domain },
      query: listQuery(domain, status),
    },
    { method: 'GET', path: entity, scope, operation: { is: 'get', domain } },
    ...Object.entries(domain.transitions)
      .filter(([, { internal }]) => internal !== true)
      .map(([name, transition]): Route => ({
        method: 'POST',
        path: `${entity}/${name}`,
        scope,
        operation: { is: 'transition', domain, name, transition },
        ...(transition.input && { body: transition.input }),
      })),
    {
      method: 'GET',
      path: `${entity}/ledger`,
      scope,
      operation: { is: 'ledger', domain },
      query: z.strictObject(paging),
    },
    {
      method: 'GET',
      path: `${entity}/messages`,
      scope,
      operation: { is: 'entityMessages', domain },
      query: z.strictObject(paging),
    },
    { method: 'GET', path: `${entity}/timing`, scope, operation: { is: 'timing', domain } },
    { method: 'POST', path: `${entity}/lock`, scope, operation: { is: 'lock', domain }, body: lockBody },
    { method: 'POST', path: `${entity}/unlock`, scope, operation: { is: 'unlock', domain } },
  ];
}

/** By one attribute at a time, of those by which the definition lists its entities. */
function listQuery({ attributes, listed = [] }: Domain, status: z.ZodType): z.ZodObject {
  const values = listed.map((name): [string, z.ZodType] => [
    name,
    z
      .optional(attributes.shape[name] as z.ZodType)
      .meta({ description: `Only those with this \`${name}\`; not beside another attribute.` }),
  ]);
  return z
    .strictObject({ status, ...Object.fromEntries(values), ...paging })
    .superRefine((query, context) => {
      const [first, ...others] = listed.filter((name) => Object.hasOwn(query, name));
      for (const name of others)
        context.addIssue({ code: 'custom', path: [name], message: `may not stand beside "${first ?? ''}"` });
    });
}
