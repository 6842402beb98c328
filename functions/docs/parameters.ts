/** Parameters that many operations share, as components of the document. */
import type { ZodOpenApiParameterObject } from 'zod-openapi';
import { request } from '../runtime/limits.ts';

export const parameters = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    required: true,
    description:
      'Names this command: 1 to 255 visible ASCII characters, bare or as a quoted string. The same key with the ' +
      'same body on the same path gets the same answer for 24 hours at least; draw a new one for a new command.',
    schema: { type: 'string', minLength: 1, maxLength: request.idempotencyKeyMaxCharacters + 2 },
    example: '8e03978e-40d5-43dd-bc93-6894a57f9324',
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    description: 'The `ETag` the caller saw: the command is refused where the entity has changed since.',
    schema: { type: 'string' },
  },
  LockToken: {
    name: 'Lock-Token',
    in: 'header',
    description: 'Needed while the entity is locked.',
    schema: { type: 'string' },
  },
  HeldLockToken: {
    name: 'Lock-Token',
    in: 'header',
    required: true,
    description: 'As `lock` gave it.',
    schema: { type: 'string' },
  },
  Traceparent: {
    name: 'traceparent',
    in: 'header',
    description:
      'W3C trace context; a valid one is carried to the workers and receivers, any other is ignored.',
    schema: { type: 'string' },
  },
} as const satisfies Readonly<Record<string, ZodOpenApiParameterObject>>;

export const parameterRef = (name: keyof typeof parameters): { readonly $ref: string } => ({
  $ref: `#/components/parameters/${name}`,
});
