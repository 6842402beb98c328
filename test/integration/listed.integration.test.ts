/** Lists by attribute: kept up by the stream, healed by the nightly audit, and shown as entities are now. */
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { openMaxMs } from '../../functions/audit/limits.ts';
import { defineDomain } from '../../functions/core/definition.ts';
import { text } from '../../functions/core/fields.ts';
import { domains } from '../../functions/domains/index.ts';
import { request, subject } from '../../functions/runtime/limits.ts';
import { createStatementWriter } from '../../functions/statements/statement-writer.ts';
import { writeLines } from '../../functions/store/statements/lines.ts';
import { writeWatermark, lanes } from '../../functions/store/statements/watermark.ts';
import { idOf, verdictOf } from '../support/answers.ts';
import { auditWhole, located } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { silent, streamEvent } from '../support/outbox.ts';
import { dump } from '../support/table-dump.ts';
import { createTestClock } from '../support/test-clock.ts';

/** Its owner changes, and its label may be missing. */
const umbrellas = defineDomain({
  collection: 'umbrellas',
  type: 'umbrella',
  idPrefix: 'umb',
  summary: 'An umbrella that is passed on.',
  states: ['dry', 'wet'],
  attributes: { owner: text('ada'), label: text('blue').optional() },
  listed: ['owner', 'label'],
  create: {
    summary: 'Buy one',
    input: { owner: text('ada'), label: text('blue').optional() },
    set: ({ input }) => input,
  },
  transitions: {
    'pass-on': {
      summary: 'Give it to somebody',
      from: ['dry'],
      to: ['dry'],
      input: { to: text('bob') },
      set: ({ input }) => ({ owner: input.to, label: undefined }),
    },
    use: { summary: 'It rains', from: ['dry'], to: ['wet'] },
  },
});

const clock = createTestClock();
let api: TestBackend;
beforeAll(async () => {
  api = await startBackend({ clock, domains: [...domains, umbrellas] });
});

/** As the stream brings it, all of it and again. */
async function caughtUp(): Promise<void> {
  const write = createStatementWriter({
    registry: api.backend.registry,
    store: api.backend.store,
    log: silent,
  });
  await write(streamEvent(...(await dump(api.backend.store)).values()));
}

const bought = async (tenant: string, input: object): Promise<string> =>
  idOf(await api.post('/v1/umbrellas', input, { tenant }));

async function found(
  tenant: string,
  query: string,
): Promise<{ readonly ids: readonly string[]; readonly cursor?: string; readonly asOf: string }> {
  const { status, json } = await api.get(`/v1/umbrellas?${query}`, { tenant });
  expect(status).toBe(200);
  const { items, nextCursor, asOf } = json as {
    items: { id: string }[];
    nextCursor?: string;
    asOf: string;
  };
  return { ids: items.map(({ id }) => id), asOf, ...(nextCursor !== undefined && { cursor: nextCursor }) };
}

describe('a list by attribute', () => {
  it('has what holds the value, newest first, page by page', async () => {
    const tenant = randomUUID();
    const ids: string[] = [];
    for (const owner of ['ada', 'bob', 'ada', 'ada']) ids.unshift(await bought(tenant, { owner }));
    expect((await found(tenant, 'owner=ada')).ids).toEqual([]);
    await caughtUp();
    const adas = ids.filter((_, index) => index !== 2);
    expect((await found(tenant, 'owner=ada')).ids).toEqual(adas);
    expect((await found(tenant, 'owner=bob')).ids).toEqual([ids[2]]);
    const first = await found(tenant, 'owner=ada&limit=2');
    const rest = await found(tenant, `owner=ada&limit=2&cursor=${first.cursor ?? ''}`);
    expect([first.ids, rest.ids, rest.cursor]).toEqual([adas.slice(0, 2), adas.slice(2), undefined]);
    expect((await found(tenant, 'owner=ada&limit=3')).cursor).toBeUndefined();
    // Each list's cursor is its own.
    for (const query of ['owner=bob', 'owner=ada&status=dry', 'status=dry'])
      expect((await api.get(`/v1/umbrellas?${query}&cursor=${first.cursor ?? ''}`, { tenant })).status).toBe(
        400,
      );
  });

  it('shows entities as they are now: in the status asked for, and not by what they held once', async () => {
    const tenant = randomUUID();
    const kept = await bought(tenant, { owner: 'ada', label: 'blue' });
    const passed = await bought(tenant, { owner: 'ada', label: 'blue' });
    await caughtUp();
    await api.post(`/v1/umbrellas/${passed}/pass-on`, { to: 'bob' }, { tenant });
    await api.post(`/v1/umbrellas/${kept}/use`, undefined, { tenant });
    // The change is seen at once where it takes away, and with the stream where it adds.
    expect((await found(tenant, 'owner=ada')).ids).toEqual([kept]);
    expect((await found(tenant, 'label=blue')).ids).toEqual([kept]);
    expect((await found(tenant, 'owner=bob')).ids).toEqual([]);
    await caughtUp();
    expect((await found(tenant, 'owner=bob')).ids).toEqual([passed]);
    expect((await found(tenant, 'owner=ada&status=wet')).ids).toEqual([kept]);
    expect((await found(tenant, 'owner=ada&status=dry')).ids).toEqual([]);
    await api.post(`/v1/umbrellas/${passed}/pass-on`, { to: 'ada' }, { tenant });
    expect((await found(tenant, 'owner=ada')).ids).toEqual([passed, kept]);
  });

  it('says how far it is', async () => {
    const beatAt = clock.now();
    const beats = Array.from({ length: lanes }, (_, lane) => ({ lane, beatAt }));
    await writeWatermark(api.backend.store.client, api.tables.data, beats);
    const { asOf } = await found('acme', 'owner=nobody');
    expect(Date.parse(asOf)).toBe(beatAt - request.deadlineMs);
    expect((await api.get('/v1/umbrellas')).json).not.toHaveProperty('asOf');
  });

  it('is its tenant’s alone, whatever the value is', async () => {
    const [tenant, other] = [randomUUID(), randomUUID()];
    const owner = 'a#b&owner=c 우산';
    const longest = 'x'.repeat(subject.maxCharacters);
    const odd = await bought(tenant, { owner });
    const long = await bought(tenant, { owner: longest });
    await caughtUp();
    expect((await found(tenant, `owner=${encodeURIComponent(owner)}`)).ids).toEqual([odd]);
    expect((await found(tenant, `owner=${longest}`)).ids).toEqual([long]);
    expect((await found(other, `owner=${encodeURIComponent(owner)}`)).ids).toEqual([]);
  });

  it.each([
    ['an attribute that is not listed', '/v1/payments?payee=shop', 'payee'],
    ['an attribute that is hidden', '/v1/payments?captured=true', 'captured'],
    ['one attribute beside another', '/v1/umbrellas?owner=ada&label=blue', 'label'],
    ['a value that none can be', '/v1/umbrellas?owner=', 'owner'],
    ['a value given twice', '/v1/umbrellas?owner=ada&owner=bob', 'owner'],
  ])('is not made of %s', async (_, path, parameter) => {
    const reply = await api.get(path);
    expect(verdictOf(reply)).toEqual([400, 'invalid_request']);
    expect(reply.json['errors']).toMatchObject([{ path: parameter }]);
  });

  it('has what the stream lost, and what is older than the list, after the nightly audit', async () => {
    const tenant = randomUUID();
    const committedAt = clock.now();
    const id = await clock.at(committedAt, () => bought(tenant, { owner: 'ada' }));
    const check = createAudit(api.backend);
    const heal = createAudit(api.backend, (of, missing) =>
      writeLines(
        api.backend.store,
        missing.map((line) => ({ ...line, tenant: of })),
      ),
    );
    const foundAt = (audit: typeof check, ageMs: number) =>
      clock.at(committedAt + ageMs, async () => located((await auditWhole(audit, tenant)).problems));
    expect(await foundAt(check, openMaxMs - 1)).toEqual([]);
    expect(await foundAt(check, openMaxMs)).toEqual([['line_missing', id, 1]]);
    expect(await foundAt(heal, openMaxMs)).toEqual([]);
    expect((await found(tenant, 'owner=ada')).ids).toEqual([id]);
    expect(await foundAt(check, openMaxMs)).toEqual([]);
  });
});
