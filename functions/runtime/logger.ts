import { Logger } from '@aws-lambda-powertools/logger';

/** What the parts of this backend log with: one line of JSON, ids as fields, never a body and never a secret. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** @param service the function's logical name, e.g. `relay`. `POWERTOOLS_LOG_LEVEL` sets the level. */
export const createLogger = (service: string): Logger => new Logger({ serviceName: service });
