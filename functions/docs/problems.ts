/** Every problem answer: RFC 9457 documents, their codes by status, and what only the gateway answers. */
import type { ZodOpenApiHeaderObject, ZodOpenApiResponseObject, ZodOpenApiSchemaObject } from 'zod-openapi';
import { request } from '../runtime/limits.ts';
import type { KnownRefusal } from './refusals.ts';

const problemJson = 'application/problem+json';
const ref = (path: string): { readonly $ref: string } => ({ $ref: `#/components/${path}` });

export const problemSchemas: Readonly<Record<string, ZodOpenApiSchemaObject>> = {
  Problem: {
    type: 'object',
    description: 'A problem document (RFC 9457). `code` is stable; `detail` is for people.',
    required: ['type', 'title', 'status', 'detail', 'instance', 'code', 'requestId'],
    properties: {
      type: { type: 'string', format: 'uri', examples: ['urn:commit-once:problem:not_found'] },
      title: { type: 'string', examples: ['Not Found'] },
      status: { type: 'integer', minimum: 400, maximum: 599, examples: [404] },
      detail: { type: 'string', examples: ['There is no such entity.'] },
      instance: { type: 'string', description: 'Path of the request.' },
      code: { type: 'string', pattern: '^[a-z][a-z_]*$', examples: ['not_found'] },
      requestId: { type: 'string', description: 'The same as `X-Request-Id`.' },
    },
  },
  InvalidRequest: {
    allOf: [ref('schemas/Problem')],
    type: 'object',
    properties: {
      errors: {
        type: 'array',
        items: {
          type: 'object',
          required: ['path', 'message'],
          properties: {
            path: { type: 'string', description: 'JSON Pointer into the body, or the name of a parameter.' },
            message: { type: 'string' },
          },
        },
        maxItems: request.errorsMax,
        description: 'With `invalid_request`: the places that break the schema.',
      },
      moreErrors: {
        type: 'integer',
        minimum: 1,
        description: 'How many places there are beyond those in `errors`; absent where `errors` names all.',
      },
    },
  },
  Conflict: {
    allOf: [ref('schemas/Problem')],
    type: 'object',
    properties: {
      entityStatus: {
        type: 'string',
        description: 'With `transition_not_allowed`: the entity’s status now.',
      },
      allowedTransitions: {
        type: 'array',
        items: { type: 'string' },
        description: 'With `transition_not_allowed`: what may be asked for now.',
      },
      constraint: { type: 'string', description: 'With `already_exists`: the constraint.' },
      run: { type: 'string', description: 'With `redrive_running`: the redrive run that goes on.' },
      inTheWay: {
        type: 'array',
        items: {
          type: 'object',
          required: ['id', 'code', 'detail'],
          properties: {
            id: { type: 'string' },
            code: { type: 'string', description: 'Why this one could not: the code of its own refusal.' },
            detail: { type: 'string' },
          },
        },
        description: 'The entities that could not be moved along, each with its reason.',
      },
    },
  },
  InternalError: {
    type: 'object',
    description: 'Says nothing but which request it was.',
    required: ['type', 'title', 'status', 'requestId'],
    additionalProperties: false,
    properties: {
      type: { type: 'string', const: 'about:blank' },
      title: { type: 'string' },
      status: { type: 'integer', const: 500 },
      requestId: { type: 'string' },
    },
  },
  GatewayMessage: {
    type: 'object',
    description: 'What API Gateway answers by itself, before a request reaches the backend.',
    required: ['message'],
    properties: { message: { type: 'string' } },
  },
};

export const problemHeaders: Readonly<Record<string, ZodOpenApiHeaderObject>> = {
  XRequestId: { description: 'Names this request in logs.', schema: { type: 'string' } },
  RetryAfter: {
    description: 'Seconds to wait before the same request, with the same key, is sent again.',
    schema: { type: 'integer', minimum: 0 },
  },
  Allow: { description: 'The methods this path answers.', schema: { type: 'string' }, example: 'GET, HEAD' },
  AcceptEncoding: {
    description: 'With a refused `Content-Encoding`: what the backend reads (RFC 9110, section 12.5.3).',
    schema: { type: 'string', enum: ['identity'] },
  },
  WWWAuthenticate: { description: 'RFC 6750.', schema: { type: 'string' }, example: 'Bearer' },
  IdempotentReplayed: {
    description: 'The answer is the stored one of an earlier request with this key; nothing was done again.',
    schema: { type: 'string', enum: ['true'] },
  },
};

export const requestIdHeader = { 'X-Request-Id': ref('headers/XRequestId') } as const;
const retryAfterHeader = { 'Retry-After': ref('headers/RetryAfter') } as const;
const challengeHeader = { 'WWW-Authenticate': ref('headers/WWWAuthenticate') } as const;
const replayedHeader = { 'Idempotent-Replayed': ref('headers/IdempotentReplayed') } as const;

const schemaWithCodes = (codes: readonly string[], schema = 'Problem'): ZodOpenApiSchemaObject => ({
  allOf: [ref(`schemas/${schema}`)],
  type: 'object',
  properties: { code: { type: 'string', enum: [...codes] } },
});

const listed = (codes: readonly string[]): string => codes.map((code) => `\`${code}\``).join(', ');

function problem(
  description: string,
  codes: readonly string[],
  {
    schema = 'Problem',
    headers = {},
  }: { schema?: string; headers?: Readonly<Record<string, { readonly $ref: string }>> } = {},
): ZodOpenApiResponseObject {
  return {
    description: `${description} Code: ${listed(codes)}.`,
    headers: { ...requestIdHeader, ...headers },
    content: { [problemJson]: { schema: schemaWithCodes(codes, schema) } },
  };
}

const gatewayMessage = { schema: ref('schemas/GatewayMessage') };

/** Answers that mean the same on every route. */
export const problemResponses: Readonly<Record<string, ZodOpenApiResponseObject>> = {
  Unauthorized: {
    description:
      'No token, or one that is not valid or whose `tenant` or `sub` is none. On AWS the gateway itself answers a ' +
      'token that is missing, expired or made out by or to somebody else, as `application/json` and without ' +
      '`X-Request-Id`. Code: `unauthorized`.',
    headers: { ...requestIdHeader, ...challengeHeader },
    content: {
      [problemJson]: { schema: schemaWithCodes(['unauthorized']) },
      'application/json': gatewayMessage,
    },
  },
  NotFound: problem('There is no such entity for this tenant.', ['not_found']),
  NoStatement: problem('The definition of this account keeps no statement.', ['no_statement']),
  MethodNotAllowed: problem(
    'The path is known, and does not answer this method; no path answers `TRACE`.',
    ['method_not_allowed'],
    { headers: { Allow: ref('headers/Allow') } },
  ),
  RequestTimeout: problem('The request was not sent in time.', ['request_timeout']),
  HeadersTooLarge: problem('The headers are larger than the gateway takes.', ['headers_too_large']),
  BodyTooLarge: problem('The body is over 64 KiB.', ['body_too_large']),
  UnsupportedMediaType: problem(
    'The body is not `application/json` in UTF-8, or it has a `Content-Encoding` other than `identity`.',
    ['unsupported_media_type'],
    { headers: { 'Accept-Encoding': ref('headers/AcceptEncoding') } },
  ),
  Locked: problem(
    'Somebody holds the lock: the command needs its `Lock-Token`. Or the lock is that of another entity which the ' +
      'command changes; `collection` and `id` name it then.',
    ['locked'],
    { headers: retryAfterHeader },
  ),
  TooManyRequests: {
    description: 'The gateway throttles. Nothing was done.',
    content: { 'application/json': gatewayMessage },
  },
  InternalError: {
    description: 'A defect. Safe to repeat with the same key.',
    headers: requestIdHeader,
    content: { [problemJson]: { schema: ref('schemas/InternalError') } },
  },
  CommandUnavailable: problem(
    'The deadline passed. With `contended` nothing was changed; with the others the same key tells what became ' +
      'of the command.',
    ['contended', 'outcome_unknown', 'unavailable'],
    { headers: retryAfterHeader },
  ),
  Unavailable: problem('A service did not answer in time.', ['unavailable'], { headers: retryAfterHeader }),
};

export const responseRef = (name: string): { readonly $ref: string } => ref(`responses/${name}`);

/** 413 and 415, of whatever is sent a body: one that takes no input reads an empty object, too. */
export const bodyResponses = {
  '413': responseRef('BodyTooLarge'),
  '415': responseRef('UnsupportedMediaType'),
} as const;

/** 408 and 431: what no HTTP server reads to its end. The local gateway gives them these codes. */
export const connectionResponses = {
  '408': responseRef('RequestTimeout'),
  '431': responseRef('HeadersTooLarge'),
} as const;

/** 400, with the codes that this operation can give. */
export const badRequest = (codes: readonly string[]): ZodOpenApiResponseObject =>
  problem('The request is not well-formed, or breaks its schema.', codes, { schema: 'InvalidRequest' });

/** 409 of an operation that is no command: nothing is kept under a key. */
export const conflictWith = (codes: readonly string[]): ZodOpenApiResponseObject =>
  problem('What is asked for does not fit what the message is now.', codes);

/** 401 of a callback, which has a signature in the place of a token. */
export const badSignature = problem('The signature is not one of this receiver, or is too old.', [
  'bad_signature',
]);

const kinds = {
  forbidden: { status: '403', says: 'The token lacks the scope, or its subject may not do this.' },
  conflict: { status: '409', says: 'The state machine or a rule says no.' },
  precondition: { status: '412', says: '`If-Match` or `Lock-Token` is out of date.' },
  unprocessable: { status: '422', says: 'The request makes no sense as it stands.' },
} as const;

/**
 * 403, 409, 412 and 422: what is the same for every operation (`base`) and what this one's rules add. All but a 403
 * are final: the same key gets the same refusal again.
 */
export function refusalResponses(
  base: Readonly<Record<keyof typeof kinds, readonly string[]>>,
  refusals: readonly KnownRefusal[],
): Readonly<Record<string, ZodOpenApiResponseObject>> {
  return Object.fromEntries(
    (Object.keys(kinds) as (keyof typeof kinds)[]).flatMap((kind) => {
      const own = refusals.filter((refusal) => refusal.kind === kind);
      const codes = [...new Set([...base[kind], ...own.map(({ code }) => code)])];
      if (codes.length === 0) return [];
      const { status, says } = kinds[kind];
      const response = problem(says, codes, {
        schema: kind === 'conflict' ? 'Conflict' : 'Problem',
        headers:
          kind === 'forbidden'
            ? challengeHeader
            : { ...replayedHeader, ...(kind === 'conflict' && retryAfterHeader) },
      });
      const rules = own.map(({ code, detail }) => `- \`${code}\`: ${detail}`);
      const description = [response.description, ...(rules.length > 0 ? ['', ...rules] : [])].join('\n');
      return [[status, { ...response, description }]];
    }),
  );
}
