/** The Lambda function of the API: an API Gateway event (HTTP or REST) in, its answer out. */
import { domains } from '../application.ts';
import { createAudit } from '../audit/audit.ts';
import { backendOfEnvironment } from '../commands/backend.ts';
import { afterFirstCall } from '../evolution/first-call.ts';
import { readEnvironment, runsOnLambda } from '../runtime/environment.ts';
import { telemetryOf } from '../runtime/telemetry.ts';
import { createApp } from './app.ts';
import { createHandler } from './lambda-adapter.ts';

const { STAGE, EVOLVE } = readEnvironment(['STAGE'], ['EVOLVE']);
const { log, metrics, measured } = telemetryOf('api');
const backend = backendOfEnvironment(domains, metrics);

const handle = measured(createHandler(createApp(backend, createAudit(backend), log)));
const { store } = backend;

/** On one machine `npm start` has compared the definitions already. */
const begun = runsOnLambda()
  ? afterFirstCall(handle, { store, domains, anyway: EVOLVE === 'anyway', log })
  : handle;

/** In development answers tell what their calls to the database took. */
export const handler =
  STAGE === 'dev' ? (await import('./server-timing.ts')).withServerTiming(begun, store) : begun;
