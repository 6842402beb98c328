/** The expressions of a request, with names and values in place of their placeholders. */
import type { WireItem } from '../../../functions/store/metering/item-size.ts';

/** The parameters of a request, as they go over the wire. */
export type Parameters = Readonly<Record<string, unknown>>;

const parameterNames = {
  key: 'KeyConditionExpression',
  filter: 'FilterExpression',
  projection: 'ProjectionExpression',
  update: 'UpdateExpression',
  condition: 'ConditionExpression',
} as const;

export type Expressions = Partial<Readonly<Record<keyof typeof parameterNames, string>>>;

export function expressionsOf(parameters: Parameters): Expressions {
  const names = (parameters['ExpressionAttributeNames'] ?? {}) as Record<string, string>;
  const values = (parameters['ExpressionAttributeValues'] ?? {}) as Record<string, unknown>;
  const filled = (expression: string): string =>
    expression
      .replace(/#\w+/g, (name) => names[name] ?? name)
      // A name may hold a colon, too.
      .replace(/:\w+/g, (name) => (Object.hasOwn(values, name) ? show(values[name]) : name));
  return Object.fromEntries(
    Object.entries(parameterNames).flatMap(([name, parameter]) => {
      const expression = parameters[parameter];
      return typeof expression === 'string' ? [[name, filled(expression)]] : [];
    }),
  );
}

export const describeKey = (key: WireItem): string =>
  Object.entries(key)
    .map(([name, value]) => `${name} = ${show(value)}`)
    .join(' AND ');

function show(value: unknown): string {
  const [[type, content] = []] = Object.entries(value as Record<string, unknown>);
  if (type === 'N') return String(content);
  return typeof content === 'string' ? `'${content}'` : JSON.stringify(content);
}
