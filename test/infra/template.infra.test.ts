import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { callback } from '../../functions/runtime/delivery-limits.ts';
import { tables, type TableSchema } from '../../functions/store/tables.ts';
import { stageNames } from '../../infra/cdk/stages.ts';
import { build, given, readable, resources, shortId, templateOf, type Resource } from './built-stack.ts';

const types = (stage: (typeof stageNames)[number]): Set<string> =>
  new Set(
    Object.values(templateOf(stage).toJSON()['Resources'] as Record<string, { Type: string }>).map(
      ({ Type }) => Type,
    ),
  );

describe.each(stageNames)('%s', (stage) => {
  test('every function runs on arm64 and the newest Node, is traced, and owns a log group that expires', () => {
    const groups = resources(stage, 'AWS::Logs::LogGroup');
    const used = new Set<string>();
    for (const { Properties } of resources(stage, 'AWS::Lambda::Function').values()) {
      expect(Properties).toMatchObject({
        Architectures: ['arm64'],
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        TracingConfig: { Mode: 'Active' },
      });
      const group = readable((Properties['LoggingConfig'] as { LogGroup: unknown }).LogGroup);
      expect(groups.get(group)?.Properties['RetentionInDays']).toBeTypeOf('number');
      expect(used.has(group)).toBe(false);
      used.add(group);
    }
  });

  test('the tables are those the store writes by', () => {
    const made = resources(stage, 'AWS::DynamoDB::Table');
    expect(made.size).toBe(Object.keys(tables).length);
    for (const [name, schema] of Object.entries(tables) as [string, TableSchema][]) {
      const table = made.get(`Tables${name.charAt(0).toUpperCase()}${name.slice(1)}`)?.Properties ?? {};
      const keys = (of: { partitionKey: string; sortKey?: string }): unknown[] => [
        { AttributeName: of.partitionKey, KeyType: 'HASH' },
        ...(of.sortKey === undefined ? [] : [{ AttributeName: of.sortKey, KeyType: 'RANGE' }]),
      ];
      expect(table).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
        KeySchema: keys(schema),
      });
      expect(table['StreamSpecification'] !== undefined).toBe(schema.stream);
      expect(table['TimeToLiveSpecification']).toEqual(
        schema.timeToLive === undefined ? undefined : { AttributeName: schema.timeToLive, Enabled: true },
      );
      const indexes = (table['GlobalSecondaryIndexes'] ?? []) as Record<string, unknown>[];
      expect(indexes.map(({ IndexName, KeySchema }) => ({ IndexName, KeySchema }))).toEqual(
        schema.indexes.map((index) => ({ IndexName: index.name, KeySchema: keys(index) })),
      );
    }
  });

  test('the outputs name the API, the tables, the queues and the bucket', () => {
    const outputs = Object.keys(templateOf(stage).toJSON()['Outputs'] as object);
    expect(outputs).toEqual(
      expect.arrayContaining([
        'ApiUrl',
        'ApiId',
        'DataTable',
        'OutboxTable',
        'IdempotencyTable',
        ...['Notification', 'ExternalCall', 'Report', 'Llm', 'Timer'].flatMap((name) => [
          `${name}QueueUrl`,
          `${name}DeadLetterQueueUrl`,
        ]),
        'StreamFailuresQueueUrl',
        'ReportBucket',
      ]),
    );
  });

  test('the streams pass on what the relays are for, and nothing else', () => {
    const filters = [...resources(stage, 'AWS::Lambda::EventSourceMapping').values()]
      .filter(({ Properties }) => readable(Properties['EventSourceArn']).endsWith('.StreamArn'))
      .map(({ Properties }) => [
        readable(Properties['EventSourceArn']),
        (Properties['FilterCriteria'] as { Filters: { Pattern: string }[] }).Filters.map(
          ({ Pattern }) => JSON.parse(Pattern) as unknown,
        ),
      ]);
    const written = (NewImage: object) => ({ eventName: ['INSERT', 'MODIFY'], dynamodb: { NewImage } });
    const exists = [{ exists: true }];
    expect(filters).toHaveLength(3);
    expect(filters).toEqual(
      expect.arrayContaining([
        ['TablesOutbox.StreamArn', [written({ status: { S: ['pending'] } })]],
        ['TablesData.StreamArn', [written({ dueAt: { N: exists } })]],
        [
          'TablesData.StreamArn',
          [
            written({ postings: { S: exists } }),
            written({ changes: { S: exists } }),
            written({ sk: { S: ['entry#0000000001'] } }),
            written({ beatAt: { N: exists } }),
          ],
        ],
      ]),
    );
  });
});

test.each(['dev', 'staging', 'prod'] as const)(
  '%s: every route under /v1 checks the token, the open ones are listed',
  (stage) => {
    const routes = [...resources(stage, 'AWS::ApiGatewayV2::Route').values()].map(({ Properties }) => [
      Properties['RouteKey'],
      Properties['AuthorizationType'] ?? 'NONE',
    ]);
    expect(Object.fromEntries(routes)).toEqual({
      'ANY /v1/{proxy+}': 'JWT',
      $default: 'NONE',
      'ANY /openapi.json': 'NONE',
      'ANY /docs': 'NONE',
      'ANY /docs/{file+}': 'NONE',
      'ANY /console': 'NONE',
      'ANY /console/{file+}': 'NONE',
      'POST /callbacks/{receiver}': 'NONE',
    });
    const [authorizer] = resources(stage, 'AWS::ApiGatewayV2::Authorizer').values();
    expect(authorizer?.Properties['JwtConfiguration']).toEqual({
      Audience: ['commit-once'],
      Issuer: 'https://issuer.example',
    });
  },
);

test.each(['dev', 'staging', 'prod'] as const)(
  '%s: no metric is paid for by the route, since none is read',
  (stage) => {
    const [deployed] = resources(stage, 'AWS::ApiGatewayV2::Stage').values();
    const { DetailedMetricsEnabled } = deployed?.Properties['DefaultRouteSettings'] as Record<
      string,
      unknown
    >;
    expect(DetailedMetricsEnabled ?? false).toBe(false);
    // Callbacks have a rate of their own, since whoever sends them has no token, and no metrics.
    expect(deployed?.Properties['RouteSettings']).toEqual({
      'POST /callbacks/{receiver}': {
        ThrottlingRateLimit: callback.ratePerSecond,
        ThrottlingBurstLimit: callback.burst,
      },
    });
    // What the alarms and the dashboard read has the dimension of the API alone, and comes without.
    const [dashboard] = resources(stage, 'AWS::CloudWatch::Dashboard').values();
    const alarms = [...resources(stage, 'AWS::CloudWatch::Alarm').values()];
    expect(JSON.stringify([dashboard, alarms])).not.toMatch(/"(?:Route|Method|Resource)\\*"/);
  },
);

test('localstack: a REST API whose function checks the tokens, of resources its free plan has', () => {
  expect([...types('localstack')].sort()).toEqual([
    'AWS::ApiGateway::Deployment',
    'AWS::ApiGateway::Method',
    'AWS::ApiGateway::Resource',
    'AWS::ApiGateway::RestApi',
    'AWS::ApiGateway::Stage',
    'AWS::DynamoDB::Table',
    'AWS::Events::Rule',
    'AWS::IAM::Policy',
    'AWS::IAM::Role',
    'AWS::Lambda::EventInvokeConfig',
    'AWS::Lambda::EventSourceMapping',
    'AWS::Lambda::Function',
    'AWS::Lambda::Permission',
    'AWS::Logs::LogGroup',
    'AWS::S3::Bucket',
    'AWS::S3::BucketPolicy',
    'AWS::SQS::Queue',
    'AWS::SQS::QueuePolicy',
    'AWS::SecretsManager::Secret',
  ]);
  for (const { Properties } of resources('localstack', 'AWS::ApiGateway::Method').values()) {
    expect(Properties['AuthorizationType']).toBe('NONE');
  }
  const variablesOf = (id: string): Record<string, unknown> =>
    (
      resources('localstack', 'AWS::Lambda::Function').get(id)?.Properties['Environment'] as {
        Variables: Record<string, unknown>;
      }
    ).Variables;
  expect(variablesOf('CommandsFunction')).toMatchObject({
    POWERTOOLS_SERVICE_NAME: 'rest-api',
    JWT_ISSUER: given.jwtIssuer,
    JWT_AUDIENCE: given.jwtAudience.join(','),
  });
});

test.each(['dev', 'staging', 'prod'] as const)('%s: the gateway alone checks the tokens', (stage) => {
  for (const { Properties } of resources(stage, 'AWS::Lambda::Function').values()) {
    const { Variables } = Properties['Environment'] as { Variables: Record<string, unknown> };
    expect(Variables['POWERTOOLS_SERVICE_NAME']).not.toBe('rest-api');
    expect(Object.keys(Variables).filter((name) => name.startsWith('JWT_'))).toEqual([]);
  }
});

test.each(stageNames)('%s: the keys that are throttled are named where an alarm tells of them', (stage) => {
  const isTold = resources(stage, 'AWS::CloudWatch::Alarm').has('Alarmstablethrottlesdata');
  expect(isTold).toBe(stage === 'staging' || stage === 'prod');
  const expected = isTold ? { Enabled: true, Mode: 'THROTTLED_KEYS' } : undefined;
  for (const { Properties } of resources(stage, 'AWS::DynamoDB::Table').values()) {
    const indexes = (Properties['GlobalSecondaryIndexes'] ?? []) as Record<string, unknown>[];
    for (const each of [Properties, ...indexes]) {
      expect(each['ContributorInsightsSpecification']).toEqual(expected);
    }
  }
});

test.each(stageNames)(
  '%s: the stack can be removed with reports in its bucket, which stays behind',
  (stage) => {
    const [bucket] = resources(stage, 'AWS::S3::Bucket').values();
    expect(bucket).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    // Its name is CloudFormation's, so the next stack of the stage is not in its way.
    expect(bucket?.Properties).not.toHaveProperty('BucketName');
  },
);

test.each(['dev', 'staging'] as const)('%s: without alarms there is nobody to tell either', (stage) => {
  const { stack } = build(stage, { alarms: 'off' });
  const template = Template.fromStack(stack);
  for (const type of ['AWS::CloudWatch::Alarm', 'AWS::SNS::Topic', 'AWS::SNS::TopicPolicy']) {
    expect(template.findResources(type), type).toEqual({});
  }
  // Everything else is as ever, releases by canary too.
  const groups = Object.values(template.findResources('AWS::CodeDeploy::DeploymentGroup')) as Resource[];
  expect(groups).toHaveLength(resources(stage, 'AWS::CodeDeploy::DeploymentGroup').size);
  expect(Object.keys(template.findResources('AWS::CloudWatch::Dashboard'))).toHaveLength(1);
});

test.each(stageNames)('%s: logs and the signing secret outlive the stack where its tables do', (stage) => {
  const kept = resources(stage, 'AWS::DynamoDB::Table').get('TablesData')?.DeletionPolicy;
  expect(kept).toBe(stage === 'localstack' ? 'Delete' : 'Retain');
  for (const type of ['AWS::Logs::LogGroup', 'AWS::SecretsManager::Secret']) {
    const found = [...resources(stage, type).values()];
    expect(found.length).toBeGreaterThan(0);
    for (const { DeletionPolicy, Properties } of found) {
      expect(DeletionPolicy).toBe(kept);
      // Its name is CloudFormation's, so the next stack of the stage is not in its way.
      expect(Properties).not.toHaveProperty(type === 'AWS::Logs::LogGroup' ? 'LogGroupName' : 'Name');
    }
  }
});

test('data that matters outlives the stack and cannot be deleted by accident', () => {
  for (const stage of ['dev', 'staging', 'prod'] as const) {
    const made = resources(stage, 'AWS::DynamoDB::Table');
    for (const id of ['TablesData', 'TablesOutbox', ...(stage === 'prod' ? ['TablesIdempotency'] : [])]) {
      expect(made.get(id)).toMatchObject({
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain',
        Properties: { DeletionProtectionEnabled: true },
      });
    }
  }
});

describe('canary', () => {
  const targets = (stage: (typeof stageNames)[number]): string[] => [
    ...[...resources(stage, 'AWS::Lambda::EventSourceMapping').values()].map(({ Properties }) =>
      readable(Properties['FunctionName']),
    ),
    ...[...resources(stage, 'AWS::ApiGatewayV2::Integration').values()].map(({ Properties }) =>
      readable(Properties['IntegrationUri']),
    ),
  ];

  test.each(['staging', 'prod'] as const)(
    '%s: requests and batches go to an alias that CodeDeploy shifts',
    (stage) => {
      const aliases = resources(stage, 'AWS::Lambda::Alias');
      const behind = targets(stage).filter((target) => target !== 'DocsFunction');
      expect(behind).toHaveLength(9);
      for (const target of behind) expect(target).toMatch(/Live/);
      expect(resources(stage, 'AWS::CodeDeploy::DeploymentGroup').size).toBe(aliases.size);
      for (const { Properties } of resources(stage, 'AWS::CodeDeploy::DeploymentGroup').values()) {
        expect(Properties).toMatchObject({
          AlarmConfiguration: { Enabled: true },
          AutoRollbackConfiguration: { Enabled: true },
          DeploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent5Minutes',
        });
      }
    },
  );

  /** Function -> the alarms on which a deployment of it is taken back. */
  const judged = (groups: ReadonlyMap<string, Resource>): Record<string, string[]> =>
    Object.fromEntries(
      [...groups].map(([id, { Properties }]) => {
        const { Alarms = [] } = Properties['AlarmConfiguration'] as { Alarms?: { Name: unknown }[] };
        return [id.replace(/^Canary/, ''), Alarms.map(({ Name }) => readable(Name))];
      }),
    );

  test.each(['staging', 'prod'] as const)(
    '%s: a function is rolled back on its own errors, and the api on its answers',
    (stage) => {
      const groups = judged(resources(stage, 'AWS::CodeDeploy::DeploymentGroup'));
      const own = (name: string): [string, string[]] => [name, [`Alarmsfunctionerrors${name}`]];
      expect(groups).toEqual({
        ...Object.fromEntries(
          ['relay', 'timerrelay', 'statements', 'notification', 'externalcall', 'report', 'llm', 'timer'].map(
            own,
          ),
        ),
        api: ['Alarmsapi5xx', 'Alarmsapilatency', 'Alarmsfunctionerrorsapi'],
      });
      // CodeDeploy takes no more: https://docs.aws.amazon.com/codedeploy/latest/userguide/monitoring-create-alarms.html
      for (const names of Object.values(groups)) expect(names.length).toBeLessThanOrEqual(10);
    },
  );

  test('an alias moves after its group has the alarms of this deployment', () => {
    for (const [id, alias] of resources('prod', 'AWS::Lambda::Alias')) {
      expect(alias.DependsOn?.map(shortId), id).toEqual([expect.stringMatching(/^Canary/)]);
    }
  });

  test('a hotfix is shipped whatever alarm is on, still by canary', () => {
    const template = Template.fromStack(build('prod', { hotfix: true }).stack);
    const groups = Object.values(template.findResources('AWS::CodeDeploy::DeploymentGroup')) as Resource[];
    expect(groups).toHaveLength(9);
    for (const { Properties } of groups) {
      expect(Properties['AlarmConfiguration']).toEqual({ Enabled: false });
      expect(Properties['AutoRollbackConfiguration']).toEqual({
        Enabled: true,
        Events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_REQUEST'],
      });
      expect(Properties['DeploymentConfigName']).toBe('CodeDeployDefault.LambdaCanary10Percent5Minutes');
    }
    // They still tell people.
    expect(Object.keys(template.findResources('AWS::CloudWatch::Alarm')).length).toBe(
      resources('prod', 'AWS::CloudWatch::Alarm').size,
    );
  });

  test.each(['dev', 'localstack'] as const)('%s: everything points at the functions themselves', (stage) => {
    expect(types(stage)).not.toContain('AWS::Lambda::Alias');
    for (const target of targets(stage)) expect(target).toMatch(/Function$/);
  });
});
