/** Parameters that many operations share, as components of the document. */
import type { ZodOpenApiParameterObject } from 'zod-openapi';
import { idempotencyKeyForm, ifMatchForm, lockTokenForm } from '../api/headers.ts';

export const parameters = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    required: true,
    description:
      'Names this command: 1 to 255 visible ASCII characters, bare or as a quoted string. One with a comma, or that ' +
      'begins with a quote, has to be quoted: bare, it cannot be told from a header that was sent twice, which is ' +
      'refused. The same key with the same body on the same path gets the same answer for 24 hours at least; draw a new one for a new command.',
    schema: { type: 'string', pattern: idempotencyKeyForm.source },
    example: '8e03978e-40d5-43dd-bc93-6894a57f9324',
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    description:
      'The `ETag` the caller saw: the command is refused where the entity has changed since. One tag, or `*` for any.',
    schema: { type: 'string', pattern: ifMatchForm.source },
  },
  LockToken: {
    name: 'Lock-Token',
    in: 'header',
    description: 'Needed while the entity is locked.',
    schema: { type: 'string', pattern: lockTokenForm.source },
  },
  HeldLockToken: {
    name: 'Lock-Token',
    in: 'header',
    required: true,
    description: 'As `lock` gave it.',
    schema: { type: 'string', pattern: lockTokenForm.source },
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
