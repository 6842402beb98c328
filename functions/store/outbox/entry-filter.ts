/** What entries of an index are chosen by, in the database: what does not fit is not sent. Pure. */
import type { QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import type { Topic } from '../../runtime/topics.ts';

/** Each index tells the topic; `closed` the type as well, and of dead messages all of it. */
export interface EntryFilter {
  readonly topic?: Topic | undefined;
  readonly type?: string | undefined;
  /** Of the error that it died of. */
  readonly code?: string | undefined;
  /** Epoch milliseconds: it died then or later. */
  readonly since?: number | undefined;
  /** Epoch milliseconds: it died then or earlier. */
  readonly until?: number | undefined;
  /** The partition of the table that has it: whose message it is. */
  readonly pk?: string | undefined;
  readonly uncertain?: boolean | undefined;
}

const names = {
  '#topic': 'topic',
  '#type': 'type',
  '#died': 'died',
  '#code': 'code',
  '#at': 'at',
  '#pk': 'pk',
  '#unsettled': 'unsettled',
};

export function filterExpression({
  topic,
  type,
  code,
  since,
  until,
  pk,
  uncertain,
}: EntryFilter): Pick<
  QueryCommandInput,
  'FilterExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
> {
  const clauses: readonly (readonly [clause: string, name: string, value: unknown])[] = [
    ['#topic = :topic', ':topic', topic],
    ['#type = :type', ':type', type],
    ['#died.#code = :code', ':code', code],
    ['#died.#at >= :since', ':since', since],
    // The version before said nothing of it; what it left is redriven as well.
    ['(attribute_not_exists(#died) OR #died.#at <= :until)', ':until', until],
    ['#pk = :pk', ':pk', pk],
    // What is missing is compared as false.
    [
      uncertain === true ? '#unsettled > :zero' : 'NOT #unsettled > :zero',
      ':zero',
      uncertain === undefined ? undefined : 0,
    ],
  ];
  const asked = clauses.filter(([, , value]) => value !== undefined);
  if (asked.length === 0) return {};
  const expression = asked.map(([clause]) => clause).join(' AND ');
  return {
    FilterExpression: expression,
    ExpressionAttributeNames: Object.fromEntries(
      Object.entries(names).filter(([name]) => new RegExp(`${name}\\b`).test(expression)),
    ),
    ExpressionAttributeValues: Object.fromEntries(asked.map(([, name, value]) => [name, value])),
  };
}
