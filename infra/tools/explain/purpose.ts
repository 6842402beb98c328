/** What an item is to the application, in words that stay the same from request to request. */
import type { WireItem } from '../../../functions/store/metering/item-size.ts';
import type { TableName } from '../../../functions/store/tables.ts';
import type { Label } from '../../../functions/store/transaction/labelled-item.ts';

/** The label a transaction's item was made with, and what it belongs to. */
export function purposeOfLabel(label: Label): string {
  switch (label.purpose) {
    case 'entity':
    case 'fixed attributes':
    case 'ledger entry':
      return `${label.purpose} of ${label.change.domain.collection}`;
    case 'unique value':
    case 'released value':
      return `${label.purpose} ${label.hold.constraint}`;
    case 'other entity':
      return `other entity of ${label.unread.domain.collection}`;
    case 'balance':
      return `balance ${label.balance.account.split(':')[0] ?? ''}`;
    case 'message':
      return `message to ${label.topic}${label.done === undefined ? '' : `, then ${label.done}`}`;
    default:
      return label.purpose;
  }
}

/** Of an item that is not part of a transaction: its table and its key tell. */
export function purposeOfKey(table: TableName, { pk, sk }: WireItem): string {
  if (table === 'idempotency') return 'idempotency record';
  const partition = pk?.S ?? '';
  if (table === 'data') return partition.endsWith('#operations') ? 'operation' : (sk?.S ?? 'item');
  if (partition === 'sweeper') return "sweeper's place";
  return partition.startsWith('callback:') ? 'place of a message' : 'message';
}

/** Of what a query or a scan reads. @param key the condition on its key */
export function purposeOfRange(action: string, table: TableName, index?: string, key = ''): string {
  if (action === 'scan' && index === undefined) return 'every item';
  if (index === undefined && key.includes('entry#')) return 'ledger';
  return table === 'outbox' ? 'messages' : 'entities';
}
