/** Lambda `external-call`: signed calls to the outside. What it does with a delivery: `topic-worker.ts`. */
import { Agent } from 'undici';
import { systemClock } from '../runtime/clock.ts';
import { readEnvironment, runsOnLambda } from '../runtime/environment.ts';
import { receiverSettings } from '../runtime/receivers.ts';
import { topicHandler } from './handler-parts.ts';
import { createHttpCallReceiver, createHttpInquiry } from './receivers/http-call.ts';
import { publicLookup } from './receivers/outbound-address.ts';

const environment = readEnvironment(['STAGE', 'EXTERNAL_CALL_URL'], ['WEBHOOK_SECRET', 'WEBHOOK_SECRET_ARN']);

// On AWS a call could reach what only the account's own functions should: metadata, VPC, loopback. On one machine,
// and on LocalStack, whoever sets the URL owns the machine, and the receiver is on it.
const publicOnly = runsOnLambda() && environment.STAGE !== 'localstack';

const parts = {
  settingsOf: receiverSettings,
  clock: systemClock,
  dispatcher: new Agent(publicOnly ? { connect: { lookup: publicLookup } } : {}),
  publicOnly,
};

export const handler = topicHandler('external-call', createHttpCallReceiver(parts), createHttpInquiry(parts));
