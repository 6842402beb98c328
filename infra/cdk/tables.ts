import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  BillingMode,
  ContributorInsightsMode,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
  type TableProps,
} from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { tables, type IndexSchema, type TableName, type TableSchema } from '../../functions/store/tables.ts';
import type { StageSettings } from './stages.ts';

/** The three tables, made from the schemas that the store writes by. */
export class Tables extends Construct {
  readonly data: Table;
  readonly outbox: Table;
  readonly idempotency: Table;

  constructor(scope: Construct, id: string, stage: StageSettings) {
    super(scope, id);
    const make = (name: TableName, keep: boolean): Table => {
      const schema: TableSchema = tables[name];
      const table = new Table(this, name === 'data' ? 'Data' : name === 'outbox' ? 'Outbox' : 'Idempotency', {
        partitionKey: { name: schema.partitionKey, type: AttributeType.STRING },
        ...(schema.sortKey !== undefined && {
          sortKey: { name: schema.sortKey, type: AttributeType.STRING },
        }),
        billingMode: BillingMode.PAY_PER_REQUEST,
        encryption: TableEncryption.AWS_MANAGED,
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
        deletionProtection: keep,
        removalPolicy: keep ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
        ...(schema.timeToLive !== undefined && { timeToLiveAttribute: schema.timeToLive }),
        // The timer relay compares both images, so that only a change of the timer sends a message.
        ...(schema.stream && { stream: StreamViewType.NEW_AND_OLD_IMAGES }),
        ...hotKeys(stage),
      });
      for (const index of schema.indexes) addIndex(table, index, stage);
      return table;
    };
    this.data = make('data', stage.keep.data);
    // The outbox holds what is still to be done: losing it loses effects of committed commands.
    this.outbox = make('outbox', stage.keep.data);
    this.idempotency = make('idempotency', stage.keep.idempotency);
  }
}

/**
 * Names the keys that are throttled, for people whom `table-throttles` told. They stand in CloudWatch as they are,
 * tenants and accounts among them. Only throttled requests are looked at, so it costs what its rules cost: one for
 * the partition keys of a table or an index and one where it has a sort key too, eleven in all, at $0.50 a month
 * each, and $0.03 for a million throttled requests.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/contributorinsights_HowItWorks.html
 * https://aws.amazon.com/cloudwatch/pricing/ (us-east-1, as others quoted it in November 2026)
 */
const hotKeys = (stage: StageSettings): Pick<TableProps, 'contributorInsightsSpecification'> =>
  stage.alarms === 'all'
    ? {
        contributorInsightsSpecification: { enabled: true, mode: ContributorInsightsMode.THROTTLED_KEYS },
      }
    : {};

function addIndex(table: Table, index: IndexSchema, stage: StageSettings): void {
  const { projection } = index;
  table.addGlobalSecondaryIndex({
    indexName: index.name,
    ...hotKeys(stage),
    partitionKey: { name: index.partitionKey, type: AttributeType.STRING },
    ...(index.sortKey !== undefined && {
      sortKey: {
        name: index.sortKey,
        type: index.sortKeyType === 'N' ? AttributeType.NUMBER : AttributeType.STRING,
      },
    }),
    ...(projection === 'ALL' || projection === 'KEYS_ONLY'
      ? { projectionType: ProjectionType[projection] }
      : { projectionType: ProjectionType.INCLUDE, nonKeyAttributes: [...projection] }),
  });
}
