/** The routes that need no token. */
import { z } from 'zod';
import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject } from 'zod-openapi';
import { connectionResponses, requestIdHeader, responseRef } from './problems.ts';

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

export const openPaths: ZodOpenApiPathsObject = {
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
};
