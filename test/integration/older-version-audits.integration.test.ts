/** While a later version of a definition works beside it, the audit of the older one sees the entities of both. */
import { expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { beginWith } from '../../functions/evolution/first-call.ts';
import { auditWhole, located, Tampered } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import { later, members } from '../support/changing-domain.ts';
import { silent } from '../support/outbox.ts';

const banning = later({
  states: [...members.states, 'banned'],
  transitions: { ...members.transitions, ban: { summary: 'Throw out', from: ['active'], to: ['banned'] } },
});

it('finds what an entity has posted that is in a state of the later version alone', async () => {
  const api = await startBackend({ domains: [banning] });
  const { backend } = api;
  const tampered = new Tampered(api);
  const member = async (name: string, ...commands: [string, unknown?][]): Promise<void> => {
    const id = await tampered.create('members', { name });
    for (const [command, body] of commands) await tampered.post(`/v1/members/${id}/${command}`, body);
  };
  // Both pay out of one account.
  await member('Ada', ['pay', { amount: 10 }]);
  await member('Eve', ['join'], ['pay', { amount: 5 }], ['ban']);
  const older = createAudit({ ...backend, registry: registerDomains([members]) });

  // Without a word from the later version the older one cannot know of the state.
  const alone = await auditWhole(older, tampered.tenant);
  expect(located(alone.problems)).toEqual([['balance_differs', undefined]]);

  await beginWith({ store: backend.store, domains: [banning], anyway: false, log: silent });
  expect(await auditWhole(older, tampered.tenant)).toMatchObject({ checkedEntities: 2, problems: [] });
});
