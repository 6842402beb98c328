/**
 * How large an item is to DynamoDB, in bytes: what read and write units are counted from.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** An item as it goes over the wire. */
export type WireItem = Readonly<Record<string, AttributeValue>>;

/** An attribute's name counts as its value does. */
export const itemSize = (item: WireItem): number =>
  Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueSize(value), 0);

/** Lists and maps carry 3 bytes, and 1 for each element; sets carry nothing. */
export function valueSize(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.N !== undefined) return numberSize(value.N);
  if (value.B !== undefined) return value.B.byteLength;
  if (value.BOOL !== undefined || value.NULL !== undefined) return 1;
  if (value.SS !== undefined) return sum(value.SS, (text) => Buffer.byteLength(text));
  if (value.NS !== undefined) return sum(value.NS, numberSize);
  if (value.BS !== undefined) return sum(value.BS, ({ byteLength }) => byteLength);
  if (value.L !== undefined) return 3 + sum(value.L, (element) => 1 + valueSize(element));
  if (value.M !== undefined) {
    return 3 + sum(Object.entries(value.M), ([name, of]) => 1 + Buffer.byteLength(name) + valueSize(of));
  }
  throw new Error('an attribute of a type that DynamoDB does not have');
}

/**
 * "Approximately" one byte for two significant digits and one more. Exactly: the digits are taken in pairs from the
 * decimal point (12|34, 1|20, 1|.50), zero pairs at either end are trimmed, and a sign takes a byte. DynamoDB
 * Local counts the same way, which `test/integration/capacity.integration.test.ts` proves on random numbers.
 */
function numberSize(number: string): number {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(number) ?? [];
  const digits = `${whole}${fraction}`;
  // The place of the decimal point among the digits, which an exponent moves.
  const point = whole.length + Number(exponent);
  const leading = /^0*/.exec(digits)?.[0].length ?? 0;
  const significant = digits.slice(leading).replace(/0+$/, '');
  if (significant === '') return 1;
  const first = point - leading;
  const last = first - significant.length;
  const pairs = Math.ceil(first / 2) - Math.floor(last / 2);
  return 1 + pairs + (sign === '-' ? 1 : 0);
}

const sum = <Value>(values: readonly Value[], size: (value: Value) => number): number =>
  values.reduce((total, value) => total + size(value), 0);
