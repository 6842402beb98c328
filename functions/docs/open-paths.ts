/** The routes that need no token. */
import * as z from 'zod';
import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject } from 'zod-openapi';
import { callbackBody } from '../api/callbacks.ts';
import { exampleBody } from '../core/examples.ts';
import {
  badRequest,
  badSignature,
  bodyResponses,
  conflictWith,
  connectionResponses,
  requestIdHeader,
  responseRef,
} from './problems.ts';

const open = (
  operationId: string,
  summary: string,
  type: string,
  schema: z.ZodType,
): { readonly get: ZodOpenApiOperationObject } => ({
  get: {
    operationId,
    tags: ['service'],
    summary,
    security: [],
    responses: {
      '200': { description: 'Here it is.', headers: requestIdHeader, content: { [type]: { schema } } },
      '405': responseRef('MethodNotAllowed'),
      ...connectionResponses,
    },
  },
});

const signatureHeader = (name: string, description: string, example: string) => ({
  name,
  in: 'header' as const,
  required: true,
  description,
  schema: { type: 'string' as const },
  example,
});

/** What a receiver tells by itself; it has no token, and signs. */
const takeCallback: ZodOpenApiOperationObject = {
  operationId: 'takeCallback',
  tags: ['service'],
  summary: 'Tell what became of a message',
  description:
    'For receivers: the answer to a call that was taken with 202, or whose answer did not arrive. Signed after Standard ' +
    'Webhooks (https://www.standardwebhooks.com) with the secret of the receiver. The first answer counts, and may be ' +
    'repeated.',
  security: [],
  parameters: [
    { name: 'receiver', in: 'path', required: true, schema: { type: 'string' }, example: 'payments' },
    signatureHeader('webhook-id', 'Any name for this callback.', 'cb_1'),
    signatureHeader('webhook-timestamp', 'Seconds since 1970; at most five minutes off.', '1795169730'),
    signatureHeader(
      'webhook-signature',
      'One or more, with spaces between.',
      'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
    ),
  ],
  requestBody: {
    required: true,
    content: { 'application/json': { schema: callbackBody, example: exampleBody(callbackBody) } },
  },
  responses: {
    '200': {
      description: 'Taken.',
      headers: requestIdHeader,
      content: {
        'application/json': {
          schema: z.strictObject({ id: z.string(), outcome: z.enum(['done', 'refused']) }),
        },
      },
    },
    '400': badRequest(['malformed_request', 'malformed_json', 'invalid_request']),
    '401': badSignature,
    '404': responseRef('NotFound'),
    '409': conflictWith(['answer_conflict']),
    ...bodyResponses,
    '405': responseRef('MethodNotAllowed'),
    '429': responseRef('TooManyRequests'),
    '500': responseRef('InternalError'),
    '503': responseRef('Unavailable'),
    ...connectionResponses,
  },
};

export const openPaths: ZodOpenApiPathsObject = {
  '/callbacks/{receiver}': { post: takeCallback },
  '/health': open(
    'getHealth',
    'Whether the service answers',
    'application/json',
    z.strictObject({ status: z.literal('ok') }),
  ),
  '/openapi.json': open(
    'getOpenApi',
    'This document',
    'application/json',
    z.looseObject({ openapi: z.string() }),
  ),
  '/docs': open('getDocs', 'A page to read this document and try it', 'text/html', z.string()),
  '/console': open('getConsole', 'A page to operate the service', 'text/html', z.string()),
};
