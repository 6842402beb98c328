/** The Lambda function of the API: an API Gateway event (HTTP or REST) in, its answer out. */
import { createAudit } from '../audit/audit.ts';
import { createLogger } from '../runtime/logger.ts';
import { createApp } from './app.ts';
import { backendOfEnvironment } from './backend.ts';
import { createHandler } from './lambda-adapter.ts';

const backend = backendOfEnvironment();

const handle = createHandler(createApp(backend, createAudit(backend), createLogger('api')));

/** In development answers tell what their calls to the database took. */
export const handler =
  process.env['STAGE'] === 'dev'
    ? (await import('./server-timing.ts')).withServerTiming(handle, backend.store)
    : handle;
