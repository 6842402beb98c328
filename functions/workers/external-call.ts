/** Lambda `external-call`: signed calls to the outside. What it does with a delivery: `topic-worker.ts`. */
import { getSecret } from '@aws-lambda-powertools/parameters/secrets';
import { Agent } from 'undici';
import { systemClock } from '../runtime/clock.ts';
import { readEnvironment, runsOnLambda } from '../runtime/environment.ts';
import { topicHandler } from './handler-parts.ts';
import { createHttpCallReceiver } from './receivers/http-call.ts';
import { publicLookup } from './receivers/outbound-address.ts';

const environment = readEnvironment(['STAGE', 'EXTERNAL_CALL_URL'], ['WEBHOOK_SECRET', 'WEBHOOK_SECRET_ARN']);

/** A rotated secret is in use after five minutes. */
const secretMaxAgeSeconds = 300;

async function secret(): Promise<string> {
  const { WEBHOOK_SECRET, WEBHOOK_SECRET_ARN } = environment;
  const value =
    WEBHOOK_SECRET ??
    (WEBHOOK_SECRET_ARN && (await getSecret(WEBHOOK_SECRET_ARN, { maxAge: secretMaxAgeSeconds })));
  if (typeof value !== 'string' || value === '') throw new Error('There is no secret to sign calls with.');
  return value;
}

// On AWS a call could reach what only the account's own functions should: metadata, VPC, loopback. On one machine,
// and on LocalStack, whoever sets the URL owns the machine, and the receiver is on it.
const publicOnly = runsOnLambda() && environment.STAGE !== 'localstack';

export const handler = topicHandler(
  'external-call',
  createHttpCallReceiver({
    url: environment.EXTERNAL_CALL_URL,
    secret,
    clock: systemClock,
    dispatcher: new Agent(publicOnly ? { connect: { lookup: publicLookup } } : {}),
    publicOnly,
  }),
);
