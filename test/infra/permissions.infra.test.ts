import { describe, expect, test } from 'vitest';
import { addSecurityChecks } from '../../infra/cdk/checks.ts';
import { stageNames } from '../../infra/cdk/stages.ts';
import { allowed, allowedIn } from './allowed-actions.ts';
import { build, readable, resources, shortId } from './built-stack.ts';

const tracing = ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'];
const logging = ['logs:CreateLogStream', 'logs:PutLogEvents'];
const consuming = [
  'sqs:ChangeMessageVisibility',
  'sqs:DeleteMessage',
  'sqs:GetQueueAttributes',
  'sqs:GetQueueUrl',
  'sqs:ReceiveMessage',
];
const reading = ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'];
const query = ['dynamodb:Query'];
const send = ['sqs:SendMessage'];
const table = (...names: string[]): string[] => names.map((name) => `dynamodb:${name}`).sort();

const commandsOnData = [
  'BatchGetItem',
  'ConditionCheckItem',
  'DeleteItem',
  'GetItem',
  'PutItem',
  'UpdateItem',
];
const commandsOnAnswers = table('BatchGetItem', 'GetItem', 'PutItem');
/** Works its messages off, and moves entities by what receivers answer: those are commands. */
const workingOff = {
  TablesData: table(...commandsOnData),
  TablesOutbox: table('PutItem', 'Query', 'UpdateItem'),
  TablesIdempotency: commandsOnAnswers,
};

const worker = (id: string): Record<string, string[]> => ({
  '*': tracing,
  [`${id}WorkerLogs`]: logging,
  [`${id}MessagesQueue`]: consuming,
});

/** What every function may do, and nothing else: a role that grows has to grow here too. */
const expected: Readonly<Record<string, Record<string, string[]>>> = {
  CommandsRole: {
    '*': tracing,
    CommandsLogs: logging,
    TablesData: table(...commandsOnData, 'BatchWriteItem', 'Query'),
    'TablesData/index/byStatus': query,
    TablesOutbox: table('BatchGetItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'),
    'TablesOutbox/index/closed': query,
    'TablesOutbox/index/open': query,
    TablesIdempotency: commandsOnAnswers,
    OutboundCallsSigningSecret: ['secretsmanager:GetSecretValue'],
  },
  DocsRole: { '*': tracing, DocsLogs: logging },
  OutboxRelayRole: {
    '*': ['dynamodb:ListStreams', ...tracing],
    OutboxRelayLogs: logging,
    'TablesOutbox.StreamArn': reading,
    NotificationMessagesQueue: send,
    ExternalCallMessagesQueue: send,
    ReportMessagesQueue: send,
    LlmMessagesQueue: send,
    StreamFailuresQueue: send,
  },
  TimersRelayRole: {
    '*': ['dynamodb:ListStreams', ...tracing],
    TimersRelayLogs: logging,
    'TablesData.StreamArn': reading,
    TimerMessagesQueue: send,
    StreamFailuresQueue: send,
  },
  StatementsRelayRole: {
    '*': ['dynamodb:ListStreams', ...tracing],
    StatementsRelayLogs: logging,
    'TablesData.StreamArn': reading,
    TablesData: table('BatchWriteItem', 'UpdateItem'),
    StreamFailuresQueue: send,
  },
  NotificationWorkerRole: {
    ...worker('Notification'),
    ...workingOff,
    'arn:<AWS::Partition>:ses:<AWS::Region>:<AWS::AccountId>:identity/shop@mail.example': [
      'ses:SendEmail',
      'ses:SendRawEmail',
    ],
    'arn:<AWS::Partition>:ses:<AWS::Region>:<AWS::AccountId>:identity/mail.example': [
      'ses:SendEmail',
      'ses:SendRawEmail',
    ],
    'arn:<AWS::Partition>:ses:<AWS::Region>:<AWS::AccountId>:configuration-set/*': [
      'ses:SendEmail',
      'ses:SendRawEmail',
    ],
  },
  ExternalCallWorkerRole: {
    ...worker('ExternalCall'),
    ...workingOff,
    OutboundCallsSigningSecret: ['secretsmanager:GetSecretValue'],
  },
  ReportWorkerRole: {
    ...worker('Report'),
    ...workingOff,
    'ReportsBucket/*': ['s3:AbortMultipartUpload', 's3:PutObject'],
  },
  LlmWorkerRole: {
    ...worker('Llm'),
    ...workingOff,
    'arn:<AWS::Partition>:bedrock:<AWS::Region>:<AWS::AccountId>:inference-profile/eu.amazon.nova-lite-v1:0':
      ['bedrock:InvokeModel'],
    'arn:<AWS::Partition>:bedrock:*::foundation-model/amazon.nova-lite-v1:0': ['bedrock:InvokeModel'],
  },
  TimerWorkerRole: {
    ...worker('Timer'),
    TablesData: table(...commandsOnData, 'Query'),
    TablesOutbox: table('BatchGetItem', 'PutItem', 'UpdateItem'),
    'TablesOutbox/index/closed': query,
    TablesIdempotency: commandsOnAnswers,
  },
  SweeperJobRole: {
    '*': tracing,
    SweeperJobLogs: logging,
    TablesOutbox: table('BatchGetItem', 'GetItem', 'PutItem', 'UpdateItem'),
    'TablesOutbox/index/open': table('Scan'),
    TablesData: table('BatchGetItem', 'BatchWriteItem', 'GetItem'),
    'TablesData/index/due': table('Query', 'Scan'),
    NotificationMessagesQueue: send,
    ExternalCallMessagesQueue: send,
    ReportMessagesQueue: send,
    LlmMessagesQueue: send,
    TimerMessagesQueue: send,
  },
  AuditJobRole: {
    '*': tracing,
    AuditJobLogs: logging,
    TablesData: table('BatchGetItem', 'BatchWriteItem', 'GetItem', 'PutItem', 'Query'),
    'TablesData/index/byStatus': table('Query', 'Scan'),
    TablesOutbox: table('BatchGetItem', 'Query'),
    'TablesOutbox/index/closed': query,
    'TablesOutbox/index/open': query,
  },
};

/** Which partitions of the data table a function that runs no commands may write to. */
test.each([
  [
    'AuditJobRole',
    ['dynamodb:BatchWriteItem', 'dynamodb:PutItem'],
    ['*#audit#*', '*#statement#*', '*#listed#*'],
  ],
  [
    'StatementsRelayRole',
    ['dynamodb:BatchWriteItem', 'dynamodb:UpdateItem'],
    ['*#statement#*', '*#listed#*', '#watermark'],
  ],
  ['SweeperJobRole', 'dynamodb:BatchWriteItem', ['#heartbeat#*']],
])('%s writes to the data table only what is its own', (role, actions, partitions) => {
  const policies = [...resources('prod', 'AWS::IAM::Policy')].filter(([id]) => id.startsWith(role));
  const statements = policies.flatMap(
    ([, { Properties }]) =>
      (
        Properties['PolicyDocument'] as {
          Statement: { Action: unknown; Resource: unknown; Condition?: unknown }[];
        }
      ).Statement,
  );
  const writing = statements.filter(
    ({ Action, Resource }) =>
      /WriteItem|PutItem|UpdateItem/.test(JSON.stringify(Action)) &&
      JSON.stringify(Resource).includes('TablesData'),
  );
  expect(writing).toHaveLength(1);
  expect(writing[0]).toMatchObject({
    Action: actions,
    Condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': partitions } },
  });
});

test('a sender below the verified domain may send, for that domain too', () => {
  const { stack } = build('prod', {
    mailFrom: 'no-reply@news.shop.example',
    mailIdentity: 'shop.example',
  });
  const sending = Object.keys(allowedIn(stack).get('NotificationWorkerRole') ?? {}).filter((resource) =>
    resource.includes(':ses:'),
  );
  expect(sending.map((arn) => arn.split(':').at(-1)).sort()).toEqual([
    'configuration-set/*',
    'identity/news.shop.example',
    'identity/no-reply@news.shop.example',
    'identity/shop.example',
  ]);
});

test.each([
  [
    'global.amazon.nova-2-lite-v1:0',
    [
      'arn:<AWS::Partition>:bedrock:*::foundation-model/amazon.nova-2-lite-v1:0',
      'arn:<AWS::Partition>:bedrock:<AWS::Region>:<AWS::AccountId>:inference-profile/global.amazon.nova-2-lite-v1:0',
    ],
  ],
  [
    'arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0',
    [
      'arn:<AWS::Partition>:bedrock:*::foundation-model/amazon.nova-lite-v1:0',
      'arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0',
    ],
  ],
  [
    'amazon.nova-lite-v1:0',
    ['arn:<AWS::Partition>:bedrock:<AWS::Region>::foundation-model/amazon.nova-lite-v1:0'],
  ],
])('the model %s may be asked, wherever its profile forwards to, and no other', (llmModelId, expected) => {
  const { app, stack } = build('prod', { llmModelId });
  const asked = Object.entries(allowedIn(stack).get('LlmWorkerRole') ?? {}).filter(([, actions]) =>
    actions.includes('bedrock:InvokeModel'),
  );
  expect(asked.map(([resource]) => resource).sort()).toEqual(expected);
  addSecurityChecks(app);
  expect(() => app.synth()).not.toThrow();
});

describe.each(stageNames)('%s', (stage) => {
  test('every function may do exactly what it does', () => {
    expect(Object.fromEntries(allowed(stage))).toEqual(expected);
  });

  test('every function has a role of its own, without a managed policy', () => {
    const roles = new Map(
      [...resources(stage, 'AWS::Lambda::Function')].map(([name, { Properties }]) => [
        name,
        readable(Properties['Role']),
      ]),
    );
    expect(new Set(roles.values()).size).toBe(roles.size);
    for (const [id, { Properties }] of resources(stage, 'AWS::IAM::Role')) {
      if (id !== 'CanaryRole') expect(Properties).not.toHaveProperty('ManagedPolicyArns');
      expect(Properties).not.toHaveProperty('Policies');
    }
  });

  test('a variable that names a table or a queue comes with a permission on it', () => {
    const roles = allowed(stage);
    for (const { Properties } of resources(stage, 'AWS::Lambda::Function').values()) {
      const { Variables } = Properties['Environment'] as { Variables: Record<string, unknown> };
      const role = roles.get(readable(Properties['Role'])) ?? {};
      for (const [variable, value] of Object.entries(Variables)) {
        if (!/_TABLE$|_QUEUE_URL$/.test(variable)) continue;
        const id = shortId((value as { Ref: string }).Ref);
        expect(
          Object.keys(role).some((resource) => resource.startsWith(id)),
          variable,
        ).toBe(true);
      }
    }
  });
});
