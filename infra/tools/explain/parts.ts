/** What a call asks of each item, or of a table, as it goes over the wire; and what that is to the application. */
import type { WireItem } from '../../../functions/store/metering/item-size.ts';
import type { ObservedCall } from '../../../functions/store/metering/observed-calls.ts';
import type { TableNames } from '../../../functions/store/store.ts';
import type { TableName } from '../../../functions/store/tables.ts';
import type { Label } from '../../../functions/store/transaction/labelled-item.ts';

export type Parameters = Readonly<Record<string, unknown>>;

export interface Part {
  readonly action: 'get' | 'query' | 'scan' | 'put' | 'update' | 'delete' | 'check';
  readonly table: TableName;
  readonly index?: string;
  /** What the items are, in words that stay the same from request to request, e.g. `ledger entry of payments`. */
  readonly purpose: string;
  /** Full keys, as JSON, of what is named by its key. */
  readonly keys?: readonly string[];
  /** By `key`, `filter`, `projection`, `update` and `condition`; names and values in place of their placeholders. */
  readonly expressions: Readonly<Record<string, string>>;
}

/** A part and what it was sent with. */
export interface Asked {
  readonly part: Part;
  readonly parameters: Parameters;
  readonly isTransaction: boolean;
}

export const isWrite = ({ part }: Asked): boolean => !['get', 'query', 'scan'].includes(part.action);

export function askedBy({ operation, input, labels }: ObservedCall, tables: TableNames): readonly Asked[] {
  return requestsOf(operation, input).map(([name, parameters], place) => {
    const { Keys = parameters['Key'] ?? parameters['Item'] ?? [], IndexName: index } = parameters;
    const keys = ([Keys].flat() as readonly WireItem[]).map(({ pk, sk }) => ({
      ...(pk && { pk }),
      ...(sk && { sk }),
    }));
    const about = {
      action: name.replace(/^Batch|^Condition|Item$/g, '').toLowerCase() as Part['action'],
      table: tableOf(parameters['TableName'], tables),
      ...(typeof index === 'string' && { index }),
      expressions: expressionsOf(parameters, keys),
    };
    const part = {
      ...about,
      purpose: purposeOf(about, labels[place], keys[0]),
      ...(keys.length > 0 && { keys: keys.map((key) => JSON.stringify(key)) }),
    };
    return { part, parameters, isTransaction: operation === 'TransactWriteItems' };
  });
}

type ByName = Readonly<Record<string, Parameters>>;

/** Its single requests, by what they do. */
function requestsOf(operation: string, input: Parameters): readonly (readonly [string, Parameters])[] {
  const { TransactItems, RequestItems } = input;
  if (TransactItems !== undefined)
    return (TransactItems as readonly ByName[]).flatMap(Object.entries<Parameters>);
  if (RequestItems === undefined) return [[operation, input]];
  return Object.entries(RequestItems as ByName).map(([TableName, asked]) => [
    operation,
    { ...asked, TableName },
  ]);
}

/** The logical name of a table. */
export function tableOf(name: unknown, tables: TableNames): TableName {
  const found = Object.entries(tables).find(([, physical]) => physical === name);
  if (!found) throw new Error(`a call reached a table that is not ours: ${String(name)}`);
  return found[0] as TableName;
}

function purposeOf(
  { action, table, index, expressions }: Omit<Part, 'purpose'>,
  label?: Label,
  key?: WireItem,
): string {
  if (label) return purposeOfLabel(label);
  if (key) return purposeOfKey(table, key);
  if (action === 'scan' && index === undefined) return 'every item';
  if (index === undefined && expressions['key']?.includes('entry#') === true) return 'ledger';
  return table === 'outbox' ? 'messages' : 'entities';
}

/** The label a transaction's item was made with, and what it belongs to. */
function purposeOfLabel(label: Label): string {
  const { purpose } = label;
  if ('change' in label) return `${purpose} of ${label.change.domain.collection}`;
  if ('unread' in label) return `${purpose} of ${label.unread.domain.collection}`;
  if ('hold' in label) return `${purpose} ${label.hold.constraint}`;
  if ('balance' in label) return `${purpose} ${label.balance.account.split(':')[0] ?? ''}`;
  if ('topic' in label)
    return `${purpose} to ${label.topic}${label.done === undefined ? '' : `, then ${label.done}`}`;
  return purpose;
}

/** Of an item that is not part of a transaction: its table and its key tell. */
function purposeOfKey(table: TableName, { pk, sk }: WireItem): string {
  if (table === 'idempotency') return 'idempotency record';
  const partition = pk?.S ?? '';
  if (table === 'data') return partition.endsWith('#operations') ? 'operation' : (sk?.S ?? 'item');
  if (partition === 'sweeper') return "sweeper's place";
  return partition.startsWith('callback:') ? 'place of a message' : 'message';
}

function expressionsOf(parameters: Parameters, [first, ...others]: readonly WireItem[]) {
  const names = (parameters['ExpressionAttributeNames'] ?? {}) as Record<string, string>;
  const values = (parameters['ExpressionAttributeValues'] ?? {}) as WireItem;
  const filled = (expression: unknown): string =>
    String(expression)
      .replace(/#\w+/g, (name) => names[name] ?? name)
      // A name may hold a colon, too.
      .replace(/:\w+/g, (name) => (values[name] ? show(values[name]) : name));
  const key = Object.entries(first ?? {}).map(([name, value]) => `${name} = ${show(value)}`);
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  const expressions = Object.entries(parameters).filter(([name]) => name.endsWith('Expression'));
  return {
    ...(first && { key: `${key.join(' AND ')}${more}` }),
    ...Object.fromEntries(
      expressions.map(([name, expression]) => [
        name.replace(/(?<=^Key)Condition|Expression$/g, '').toLowerCase(),
        filled(expression),
      ]),
    ),
  };
}

function show(value: WireItem[string]): string {
  if (value.N !== undefined) return value.N;
  return value.S === undefined ? JSON.stringify(Object.values(value)[0]) : `'${value.S}'`;
}
