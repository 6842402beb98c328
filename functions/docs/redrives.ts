/** Redrives as a rollout, and the operator's log, as OpenAPI operations. */
import * as z from 'zod';
import type { ZodOpenApiOperationObject } from 'zod-openapi';
import { operationNames } from '../core/operation.ts';
import { runStates, stopReasons } from '../core/redrive-run.ts';
import type { Route } from '../api/routes.ts';
import { beginRedriveBody } from '../api/routes.ts';
import { redriveRun as limits } from '../runtime/delivery-limits.ts';
import { parameterRef } from './parameters.ts';
import { badRequest, refusalResponses, responseRef } from './problems.ts';
import { operation } from './reads.ts';
import { count, moment, page } from './schemas.ts';

const ulid = '[0-9A-HJKMNP-TV-Z]{26}';
const exampleId = 'rdr_01JD2X5T9ZK4M8Q7W6V5B3N2HC';
const redriveId = z
  .string()
  .regex(new RegExp(`^rdr_${ulid}$`))
  .meta({ description: 'Id of the run.', examples: [exampleId] });

const counts = {
  sent: count('Messages that it ran again.'),
  done: count('Those of them that are done.'),
  deadAgain: count('Those of them that died again.'),
  waiting: count('Those of them that their receiver took and tells of by a callback.'),
  skipped: count('Messages that were not dead any more when their turn came.'),
};

const found = {
  matched: count('Messages that it is about.'),
  matchedAtLeast: z.boolean().meta({ description: 'There may be more: the search goes on.' }),
  held: count(
    'Messages that match and are to be resolved: they may have acted and must not be called again.',
  ),
};
const ramp = {
  match: beginRedriveBody.shape.match,
  startWith: z.int().positive(),
  factor: z.number().positive(),
  stopAtFailureShare: z.number().nonnegative(),
};

export const redriveRun = z.strictObject({
  id: redriveId,
  state: z.enum(runStates),
  stoppedBecause: z.enum(stopReasons).optional().meta({
    description: '`failure_share`: too many of a step died again. `operator`: somebody stopped it.',
  }),
  stoppedBy: z.string().optional().meta({ description: 'Who stopped it.' }),
  ...ramp,
  startedBy: z.string().meta({ description: 'Who began it.', examples: ['alice'] }),
  note: z.string().optional(),
  ...found,
  ...counts,
  steps: z
    .array(
      z.strictObject({
        size: count('Messages of this step.'),
        ...counts,
        startedAt: moment('When it was begun.'),
        endedAt: moment('When none of its messages was on its way any more.').optional(),
      }),
    )
    .max(limits.stepsKept + 1)
    .meta({ description: 'The newest, the oldest of them first; the last one may be under way.' }),
  createdAt: moment('When it was begun. Messages that died later are none of its.'),
  updatedAt: moment('When it was last looked at.'),
  endedAt: moment(
    'When it came to its end, or was stopped. What was on its way then is counted still.',
  ).optional(),
});

export const redrivePage = page(redriveRun);

const preview = z.strictObject({
  dryRun: z.literal(true),
  ...ramp,
  ...found,
  ramp: z
    .array(z.int().positive())
    .max(limits.stepsShown)
    .meta({ description: 'Sizes of its first steps, as long as they end well.' }),
});

const idParameter = {
  name: 'id',
  in: 'path' as const,
  required: true,
  schema: { type: 'string' as const, pattern: `^rdr_${ulid}$` },
  example: exampleId,
};
/** What comes before an example that needs a run. */
const afterBegin = { 'x-example-after': [{ operationId: 'beginRedrive', id: exampleId }] };

export const listRedrivesOperation = (route: Route): ZodOpenApiOperationObject =>
  operation(route, { tag: 'operations', summary: 'List redrive runs, newest first', answer: redrivePage });

export const getRedriveOperation = (route: Route): ZodOpenApiOperationObject =>
  operation(route, {
    tag: 'operations',
    summary: 'Read a redrive run',
    answer: redriveRun,
    missing: 'NotFound',
    parameters: [idParameter],
    steps: afterBegin,
  });

export function beginRedriveOperation(route: Route): ZodOpenApiOperationObject {
  const described = operation(route, {
    tag: 'operations',
    summary: 'Run dead messages again, as a rollout',
    description:
      'The backend carries the run on: a first handful, then `factor` times as many, as long as they end well. A step ' +
      'begins when no message of the one before is on its way. The run stops by itself where more than ' +
      '`stopAtFailureShare` of a step dies again. Each message is run again once. It is about the messages that were ' +
      'dead when it began. Of one topic, type, code and entity one run goes on at a time: the second is refused with ' +
      '`redrive_running`, and `run` names the first. With `dryRun` nothing is written, and the answer says what a run ' +
      'would do, of the messages that were dead a moment ago.',
    answer: z.union([redriveRun, preview]),
    status: '202',
    parameters: [parameterRef('IdempotencyKey'), parameterRef('Traceparent')],
    steps: { 'x-example-after': [] },
  });
  return {
    ...described,
    responses: {
      ...described.responses,
      '400': badRequest([
        ...['malformed_request', 'malformed_json', 'invalid_request'],
        ...['idempotency_key_missing', 'idempotency_key_malformed'],
      ]),
      ...refusalResponses(
        {
          forbidden: ['insufficient_scope'],
          conflict: ['redrive_running', 'request_in_progress'],
          precondition: [],
          unprocessable: ['idempotency_key_reused'],
        },
        [],
      ),
      '503': responseRef('CommandUnavailable'),
    },
  };
}

export const stopRedriveOperation = (route: Route): ZodOpenApiOperationObject => {
  const described = operation(route, {
    tag: 'operations',
    summary: 'Stop a redrive run',
    description:
      'No further step begins. What is on its way goes on, and the numbers of the run follow it. Safe to repeat: a run ' +
      'that has ended is left as it is.',
    answer: redriveRun,
    missing: 'NotFound',
    parameters: [idParameter],
    steps: afterBegin,
  });
  return { ...described, responses: { ...described.responses, '503': responseRef('CommandUnavailable') } };
};

const logged = z.strictObject({
  id: z.string().regex(new RegExp(`^op_${ulid}$`)),
  operation: z.enum(operationNames),
  by: z.string().meta({ description: 'Subject of the token.', examples: ['alice'] }),
  at: moment('When it was done.'),
  requestId: z.string(),
  message: z.string().optional().meta({ description: 'The message that it was about.' }),
  run: redriveId.optional().meta({ description: 'The redrive run that it was about.' }),
  match: beginRedriveBody.shape.match
    .optional()
    .meta({ description: 'Which messages: of a run, or of a bulk redrive.' }),
  outcome: z.enum(['done', 'refused']).optional().meta({ description: 'What was said of the message.' }),
  note: z.string().optional().meta({ description: 'Why.' }),
});

export const listOperationsOperation = (route: Route): ZodOpenApiOperationObject =>
  operation(route, {
    tag: 'operations',
    summary: 'Read the operator’s log, newest first',
    description:
      'Who ran messages again, resolved them, and began or stopped redrive runs. An entry is written with what it tells ' +
      'of, both or neither; that of a bulk redrive is written before its first message. Nothing changes or removes one.',
    answer: page(logged),
  });
