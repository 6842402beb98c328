/**
 * `npm run redrive -- --topic external-call --since 1h --match code=500 --dry-run`: begins dead messages anew,
 * paced, until too many fail again. Region, credentials and endpoint come from the environment, as everywhere. Where
 * it names no part of AWS, the messages are those of `npm start` on this machine.
 */
import { ListTablesCommand, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { systemClock } from '../../../functions/runtime/clock.ts';
import { createDocumentClient } from '../../../functions/store/client.ts';
import { readDeadMessages } from '../../../functions/store/outbox/dead-messages.ts';
import type { MessageItem } from '../../../functions/store/outbox/message-items.ts';
import type { OutboxAccess } from '../../../functions/store/outbox/message-writes.ts';
import { redriveMessage } from '../../../functions/store/outbox/messages.ts';
import { readMessages } from '../../../functions/store/outbox/open-messages.ts';
import { runCommand, UsageError } from '../../local/command-line.ts';
import { findRunningStack } from '../../local/running-stack.ts';
import { pacedRedrive } from './paced-redrive.ts';
import type { RedriveState } from './paced-redrive.ts';
import { flags, isSelected, redriveOptions, usage } from './redrive-options.ts';
import type { RedriveOptions } from './redrive-options.ts';

/** Longer than the retries of a message that fails again and again. */
const settleMs = 60_000;
/** Rows shown; the count says how many there are. */
const shownMax = 50;

/** @returns the exit code */
async function redrive(options: RedriveOptions): Promise<number> {
  const client = createDocumentClient(await connection(process.env));
  const access: OutboxAccess = {
    client,
    table: options.table ?? process.env['OUTBOX_TABLE'] ?? (await onlyOutboxTable(client)),
    clock: systemClock,
  };
  const selected: MessageItem[] = [];
  for await (const message of readDeadMessages(access, options.topic)) {
    if (isSelected(message, options, systemClock.now())) selected.push(message);
    if (selected.length >= options.limit) break;
  }
  show(selected);
  if (options.dryRun || selected.length === 0) return 0;
  const state = await pacedRedrive(
    selected,
    { rate: options.rate, maxFailures: options.maxFailures, settleMs },
    {
      redrive: (message) => redriveMessage(access, message, message.run),
      read: (messages) => readMessages(access, messages),
      pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      progress,
    },
  );
  if (state.stopped) console.error('stopped: too many fail again; the rest was left as it was');
  return state.stopped || state.failing > 0 ? 1 : 0;
}

/** Each of them says which account, region or server is meant. */
const awsVariables = ['AWS_REGION', 'AWS_PROFILE', 'AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_DYNAMODB'];

/** @throws UsageError where the environment names nothing and nothing runs here */
async function connection(variables: NodeJS.ProcessEnv): Promise<DynamoDBClientConfig> {
  if (awsVariables.some((name) => (variables[name] ?? '') !== '')) return {};
  const port = variables['PORT'] ?? '3000';
  const stack = await findRunningStack(port);
  if (stack === undefined) {
    throw new UsageError(
      `set ${awsVariables.join(' or ')} for a deployed stack, or run npm start: none runs on port ${port}`,
    );
  }
  const { dynamodbEndpoint: endpoint, region } = stack;
  return { endpoint, region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
}

/** @throws UsageError where there is none, or more than one */
async function onlyOutboxTable(client: DynamoDBDocumentClient): Promise<string> {
  const { TableNames = [] } = await client.send(new ListTablesCommand({}));
  const found = TableNames.filter((name) => /outbox/i.test(name));
  const [table] = found;
  if (table !== undefined && found.length === 1) return table;
  throw new UsageError(
    `--table is needed: ${found.length === 0 ? 'no table is named outbox' : found.join(', ')}`,
  );
}

function show(messages: readonly MessageItem[]): void {
  const rows = messages.slice(0, shownMax).map(({ id, tenant, type, attempts, lastError }) => ({
    message: id,
    tenant,
    type,
    attempts,
    code: lastError?.code,
    died: lastError?.at,
  }));
  if (rows.length > 0) console.table(rows);
  console.log(`${messages.length} dead messages${messages.length > shownMax ? `, ${shownMax} shown` : ''}`);
}

function progress({ total, begun, skipped, done, failing }: RedriveState): void {
  console.log(
    `begun ${begun + skipped} of ${total}: ${done} done, ${failing} failing, ${skipped} not dead any more`,
  );
}

await runCommand({ usage, flags, run: (values) => redrive(redriveOptions(values)) });
