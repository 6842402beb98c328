/** The Lambda function of the API: an API Gateway event (HTTP or REST) in, its answer out. */
import { createAudit } from '../audit/audit.ts';
import { createLogger } from '../runtime/logger.ts';
import { createApp } from './app.ts';
import { backendOfEnvironment } from './backend.ts';
import { createHandler } from './lambda-adapter.ts';

const backend = backendOfEnvironment();

export const handler = createHandler(createApp(backend, createAudit(backend), createLogger('api')));
