/** What a call to AWS is, whatever its values: two calls of one shape come from the same place of the code. */

type Input = Readonly<Record<string, unknown>>;

/** The parts of an input that the code gives, not the data. */
const fixed = [
  'IndexName',
  'KeyConditionExpression',
  'FilterExpression',
  'ProjectionExpression',
  'UpdateExpression',
  'ConditionExpression',
] as const;

/** Tables of the tests are named `<prefix>-<table>`. */
const tableOf = ({ TableName = '' }: Input): string => String(TableName).split('-').at(-1) ?? '';

const shapeOfOne = (input: Input): readonly unknown[] => [
  tableOf(input),
  ...fixed.map((name) => input[name] ?? ''),
];

/**
 * How many items of one shape a transaction writes does not count.
 * @param command e.g. `UpdateItemCommand`
 */
export function callShape(command: string, input: Input): string {
  const { TransactItems = [] } = input as {
    readonly TransactItems?: readonly Readonly<Record<string, Input>>[];
  };
  const items = TransactItems.flatMap((item) =>
    Object.entries(item).map(([action, part]) => JSON.stringify([action, ...shapeOfOne(part)])),
  );
  return JSON.stringify([command, ...shapeOfOne(input), ...[...new Set(items)].toSorted()]);
}

/** A call that changes nothing: whether it or its answer was lost makes no difference to anybody. */
export const isRead = (command: string): boolean => /^(BatchGet|Get|Query|Scan|TransactGet)/.test(command);
