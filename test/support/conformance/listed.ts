/** Lists by the attributes that a definition calls listed: see `functions/core/listed.ts`. */
import { describe, expect, it } from 'vitest';
import { createStatementWriter } from '../../../functions/statements/statement-writer.ts';
import type { EntityState } from '../../../functions/core/entity.ts';
import type { Subject } from '../conformance.ts';
import { silent, streamEvent } from '../outbox.ts';
import { dump } from '../table-dump.ts';
import type { Walk } from '../walk.ts';

export function listed({ domain, api, walk }: Subject): void {
  const { listed: attributes = [] } = domain;
  if (attributes.length === 0) return;

  /** A new entity that has come to where it holds the attribute, and the walk that brought it there. */
  async function holding(attribute: string): Promise<{ readonly owner: Walk; readonly entity: EntityState }> {
    for (const status of domain.states) {
      const owner = walk();
      const entity = await owner.reach(domain, status);
      if (entity.attributes[attribute] !== undefined) return { owner, entity };
    }
    throw new Error(`no walk led to a ${domain.type} that has "${attribute}"`);
  }

  describe('its lists by attribute', () => {
    it.each(attributes)('have each entity by its %s, once the stream has come to it', async (attribute) => {
      const { owner, entity } = await holding(attribute);
      const stranger = walk();
      const { registry, store } = api().backend;
      const items = [...(await dump(store)).values()].filter(({ pk }) =>
        String(pk).endsWith(`#${entity.id}`),
      );
      await createStatementWriter({ registry, store, log: silent })(streamEvent(...items));
      const value = String(entity.attributes[attribute]);
      const path = `/v1/${domain.collection}?${attribute}=${encodeURIComponent(value)}`;
      const idsFor = async (query: string, tenant: string) => {
        const { status, json } = await api().get(path + query, { tenant });
        expect(status).toBe(200);
        return (json['items'] as { id: string }[]).map(({ id }) => id);
      };
      expect(await idsFor('', owner.tenant)).toContain(entity.id);
      expect(await idsFor(`&status=${entity.status}`, owner.tenant)).toContain(entity.id);
      expect(await idsFor('', stranger.tenant)).toEqual([]);
    });
  });
}
