/** Lambda `statements`: the data table's stream to the statements of accounts. What it does: `statement-writer.ts`. */
import { domains } from '../application.ts';
import { registerDomains } from '../core/registry.ts';
import { readEnvironment } from '../runtime/environment.ts';
import { telemetryOf } from '../runtime/telemetry.ts';
import { createDocumentClient } from '../store/client.ts';
import { createStatementWriter } from './statement-writer.ts';

const environment = readEnvironment(['DATA_TABLE']);
const { log, measured } = telemetryOf('statements');

export const handler = measured(
  createStatementWriter({
    registry: registerDomains(domains),
    store: { client: createDocumentClient(), tables: { data: environment.DATA_TABLE } },
    log,
  }),
);
