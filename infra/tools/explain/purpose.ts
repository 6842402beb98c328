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
      return `message to ${label.topic}`;
    case 'idempotency record':
    case 'lock':
    case 'message end':
    case 'unchanged entity':
    case 'redrive run':
    case 'redrive list':
    case 'operation':
    case 'redrive match':
      return label.purpose;
    default:
      return label satisfies never;
  }
}

/** Of an item that is not part of a transaction: its table and its sort key tell. */
export function purposeOfKey(table: TableName, key: WireItem): string {
  if (table === 'idempotency') return 'idempotency record';
  if (table === 'outbox') return purposeOfOutbox(key['pk']?.S ?? '');
  if (key['pk']?.S?.endsWith('#operations') === true) return 'operation';
  return key['sk']?.S ?? 'item';
}

function purposeOfOutbox(pk: string): string {
  if (pk === 'sweeper') return "sweeper's place";
  return pk.startsWith('callback:') ? 'place of a message' : 'message';
}
