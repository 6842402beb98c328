/** What the steps of one run saved for the steps after them. */
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { fingerprint } from '../../../functions/core/rules.ts';
import { entityKey } from '../../../functions/store/keys.ts';
import { messageKey } from '../../../functions/store/outbox/message-items.ts';
import { tenant as commonTenant } from './workbench.ts';
import type { Reply, Workbench } from './workbench.ts';

export interface Saved {
  /** Who sends this run's requests. */
  readonly tenant: string;
  readonly id: (name: string) => string;
  /** Fills in placeholders; throws where one was never saved. */
  readonly fill: (text: string) => Promise<string>;
  readonly keep: (name: string, reply: Reply) => void;
}

let uniqueNumber = 10_000_000;
/** A value nobody has, of the same length every time. */
const uniqueValue = (): string => `u${(uniqueNumber += 1)}`;

/** @param isApart whether the run has a tenant of its own */
export function createSaved(
  bench: Workbench,
  isApart: boolean,
  from?: ReadonlyMap<string, Reply['json']>,
): Saved & {
  readonly replies: ReadonlyMap<string, Reply['json']>;
} {
  const tenant = isApart ? uniqueValue() : commonTenant;
  const replies = new Map(from);
  const reply = (name: string): Reply['json'] => {
    const found = replies.get(name);
    if (!found) throw new Error(`"{${name}}" was not saved by an earlier step`);
    return found;
  };
  const value = async (placeholder: string): Promise<string> => {
    const [name = '', field] = placeholder.split('.');
    if (name === 'unique') return uniqueValue();
    const of = reply(name);
    if (field === 'secret') return secretOf(bench, tenant, String(of['id']));
    return String(of[field ?? 'id']);
  };
  return {
    tenant,
    replies,
    id: (name) => String(reply(name)['id']),
    keep: (name, { json }) => {
      replies.set(name, json);
    },
    fill: async (text) => {
      let filled = text;
      for (const [whole, placeholder = ''] of text.matchAll(/\{([a-z]\w*(?:\.\w+)?)\}/gi)) {
        filled = filled.replace(whole, await value(placeholder));
      }
      return filled;
    },
  };
}

/** A secret stands in the message that was sent when its entity was created; the entity keeps its fingerprint. */
async function secretOf({ probe, tables }: Workbench, tenant: string, entityId: string): Promise<string> {
  const [entity, message] = [entityKey(tenant, entityId), messageKey({ tenant, id: `msg_${entityId}_1_0` })];
  if (!message) throw new Error(`${entityId} has no message`);
  const get = async (
    TableName: string,
    key: { pk: string; sk: string },
  ): Promise<Record<string, unknown>> => {
    const { Item } = await probe.send(new GetItemCommand({ TableName, Key: marshall(key) }));
    return unmarshall(Item ?? {});
  };
  const [stored, sent] = await Promise.all([get(tables.data, entity), get(tables.outbox, message)]);
  const kept = JSON.stringify(stored);
  const { text } = JSON.parse(String(sent['payload'])) as { readonly text?: string };
  const secret = (text ?? '').split(/\s+/).find((word) => kept.includes(fingerprint(word)));
  if (secret === undefined) throw new Error(`no secret of ${entityId} stands in its first message`);
  return secret;
}
