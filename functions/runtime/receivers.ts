/**
 * The receivers of `external-call` by name, each with its URL and its secrets:
 *
 *     RECEIVER_PAYMENTS_URL      where `payments` is called; without it, at EXTERNAL_CALL_URL
 *     RECEIVER_PAYMENTS_SECRET   signs these calls and its callbacks; without it, WEBHOOK_SECRET
 *
 * On AWS a secret is named by its place: `..._SECRET_ARN`. A secret may be a list with commas between, the newest
 * first: all of them sign, and any is accepted, so that a secret changes without a gap.
 */
import { getSecret } from '@aws-lambda-powertools/parameters/secrets';
import * as z from 'zod';

/** What a receiver may be called. It is a part of a variable's name and of the path of its callbacks. */
export const receiverName = z
  .string()
  .max(32)
  .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/);

/** The name under which calls go out that name no receiver. */
export const defaultReceiver = 'default';

export interface ReceiverSettings {
  /** Where it is called, and asked. */
  readonly url: string;
  /** At least one, the newest first. Asked for each call, so that a changed secret is used soon. */
  readonly secrets: () => Promise<readonly string[]>;
}

export type Variables = Readonly<Record<string, string | undefined>>;

/** `card-payments` is `RECEIVER_CARD_PAYMENTS_URL`. */
export const receiverVariable = (name: string, what: 'URL' | 'SECRET' | 'SECRET_ARN'): string =>
  `RECEIVER_${name.toUpperCase().replaceAll('-', '_')}_${what}`;

/** A changed secret is in use after five minutes. */
const secretMaxAgeSeconds = 300;

export const secretsIn = (text: string): readonly string[] =>
  text.split(',').flatMap((secret) => secret.trim() || []);

/**
 * The settings of a receiver. A name of its own or none: what is not set for it is set for all.
 * @throws where there is no secret, or no URL
 */
export function receiverSettings(name: string, variables: Variables = process.env): ReceiverSettings {
  const own = (what: 'URL' | 'SECRET' | 'SECRET_ARN'): string | undefined =>
    present(variables[receiverVariable(name, what)]);
  const shared = {
    secret: present(variables['WEBHOOK_SECRET']),
    arn: present(variables['WEBHOOK_SECRET_ARN']),
  };
  const hasOwn = own('SECRET') !== undefined || own('SECRET_ARN') !== undefined;
  const { secret, arn } = hasOwn ? { secret: own('SECRET'), arn: own('SECRET_ARN') } : shared;
  return {
    url: own('URL') ?? present(variables['EXTERNAL_CALL_URL']) ?? '',
    secrets: async () => {
      const value = secret ?? (arn !== undefined && (await getSecret(arn, { maxAge: secretMaxAgeSeconds })));
      const secrets = typeof value === 'string' ? secretsIn(value) : [];
      if (secrets.length === 0) throw new Error('There is no secret to sign calls with.');
      return secrets;
    },
  };
}

/** An empty variable counts as not set. */
const present = (value: string | undefined): string | undefined => (value === '' ? undefined : value);
