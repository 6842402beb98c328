/** The Lambda function of the API: an API Gateway event (HTTP or REST) in, its answer out. */
import { domains } from '../application.ts';
import { createAudit } from '../audit/audit.ts';
import { backendOfEnvironment } from '../commands/backend.ts';
import { readEnvironment } from '../runtime/environment.ts';
import { telemetryOf } from '../runtime/telemetry.ts';
import { createApp } from './app.ts';
import { createHandler } from './lambda-adapter.ts';

const { STAGE } = readEnvironment(['STAGE']);
const { log, metrics, measured } = telemetryOf('api');
const backend = backendOfEnvironment(domains, metrics);

const handle = measured(createHandler(createApp(backend, createAudit(backend), log)));

/** In development answers tell what their calls to the database took. */
export const handler =
  STAGE === 'dev' ? (await import('./server-timing.ts')).withServerTiming(handle, backend.store) : handle;
