/** `npm run evolve -- --data`: what definitions would find in a store. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import type { AnyTransition, Domain } from '../../functions/core/definition.ts';
import { moment, text } from '../../functions/core/fields.ts';
import { named, own, transfer } from '../../functions/core/postings.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { nothingSeen, surveyed } from '../../infra/tools/evolve/survey.ts';
import type { Survey, SurveyOptions } from '../../infra/tools/evolve/survey.ts';
import { idOf } from '../support/answers.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { lacking, later, members } from '../support/changing-domain.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';

const { leave, pay, remind } = members.transitions;

/** Owes what it pays: its account has no floor. */
const owing: Domain = {
  ...members,
  transitions: {
    ...members.transitions,
    pay: {
      ...pay,
      transfers: ({ input }: { readonly input: { readonly amount: number } }) =>
        transfer(own('dues'), named('bank', 'club', 'EUR'), input.amount),
    } as AnyTransition,
  },
};

/** No `active`, `lapse`, `join` or `pay` any more, an attribute more, and names that are unique in lower case. */
const next: Domain = later({
  states: ['waiting', 'left'],
  attributes: z.strictObject({ name: text('Ada', 5), until: moment(), tier: text('gold') }),
  accounts: {
    dues: { unit: 'USD', floor: { minimum: 0, code: 'short', otherwise: 'Not paid in.' } },
  },
  deadlines: {},
  unique: [
    {
      name: 'member_name',
      while: ['waiting'],
      of: ({ name }: { readonly name: string }) => [name.toLowerCase()],
    },
  ],
  transitions: {
    remind: remind as AnyTransition,
    leave: { ...leave, from: ['waiting'] } as AnyTransition,
  },
});

const seenBy = ({ backend }: TestBackend, domain: Domain) => ({
  ...backend,
  registry: registerDomains([domain]),
});
async function pages(
  api: TestBackend,
  domain: Domain,
  options: SurveyOptions,
  from?: Survey,
): Promise<Survey[]> {
  const all: Survey[] = [];
  for await (const page of surveyed(seenBy(api, domain), options, from)) all.push(page);
  return all;
}
const whole = async (api: TestBackend, domain: Domain, options: SurveyOptions = {}): Promise<Survey> =>
  (await pages(api, domain, options)).at(-1) ?? nothingSeen;

async function filled(): Promise<{ readonly api: TestBackend; readonly ids: readonly string[] }> {
  const api = await startBackend({ domains: [owing] });
  const ids: string[] = [];
  for (const name of ['Ada', 'Barbara']) ids.push(idOf(await api.post('/v1/members', { name })));
  await api.post(`/v1/members/${ids[0] ?? ''}/pay`, { amount: 4 });
  await api.post(`/v1/members/${ids[0] ?? ''}/join`);
  return { api, ids };
}

describe('a survey', () => {
  it('counts entities by version and status, and finds nothing where nothing has changed', async () => {
    const { api } = await filled();
    expect(await whole(api, members)).toEqual({
      looked: 2,
      entities: { 'members, version 1, active': 1, 'members, version 1, waiting': 1 },
      stranded: {},
      ledgers: { entries: 4, left: 0, steps: {}, problems: {} },
    });
  });

  it('names the stranded, each with its reasons, and the steps that the machine does not make any more', async () => {
    const { api, ids } = await filled();
    const [ada, barbara] = ids.map((id) => `acme ${id}`);
    const { stranded, ledgers } = await whole(api, next);
    expect(stranded).toEqual({
      'members: is in "active", a state that is gone': { count: 1, first: [ada] },
      'members: waits for "lapse", a transition that is gone': { count: 1, first: [barbara] },
      'members: lacks "tier"': { count: 2, first: expect.arrayContaining([ada, barbara]) as unknown },
      'members: has a "name" that its schema does not take': { count: 1, first: [barbara] },
      'members: holds less of "dues" than its floor, 0': { count: 1, first: [ada] },
      'members: keeps "dues" in EUR, not in USD': { count: 2, first: expect.anything() as unknown },
    });
    expect(ledgers).toMatchObject({
      entries: 4,
      steps: { 'members: pay from waiting to waiting': 1, 'members: join from waiting to active': 1 },
      problems: {},
    });
  });

  it('names those whose new unique value another holds, those of a collection that is gone, and what is lost', async () => {
    const api = await startBackend({ domains: [members] });
    for (const name of ['ada', 'Ada']) await api.post('/v1/members', { name });
    const lower = later({ unique: next.unique as NonNullable<Domain['unique']> });
    const count = async (domain: Domain): Promise<unknown> =>
      Object.entries((await whole(api, domain)).stranded).map(([what, { count: each }]) => [what, each]);
    expect(await count(lower)).toEqual([['members: its "member_name" is held by another', 1]]);
    expect(await count({ ...members, collection: 'fellows' })).toEqual([
      ['members: the collection is gone', 2],
    ]);
    const renamed = later({
      attributes: z.strictObject({ until: moment() }),
      unique: [],
      create: { ...members.create, set: () => ({ until: '2030-01-01T00:00:00.000Z' }) },
    });
    expect(await count(renamed)).toEqual([['members: keeps "name", an attribute that is gone', 2]]);
    expect(
      await count({ ...lacking(renamed, 'upgrades'), upgrades: { 1: ({ until }) => ({ until }) } }),
    ).toEqual([]);
  });

  it('goes on where it was stopped, and folds no more entries than it is told', async () => {
    const { api } = await filled();
    const all = await pages(api, members, { pageEntities: 1 });
    const [one] = all;
    expect(one?.looked).toBe(1);
    const stored = JSON.parse(JSON.stringify(one)) as Survey;
    const rest = await pages(api, members, { pageEntities: 1 }, stored);
    expect(rest.at(-1)).toEqual(await whole(api, members));
    expect(rest.length).toBe(all.length - 1);
    const { ledgers } = await whole(api, members, { pageEntities: 1, entriesMax: 1 });
    expect([ledgers.left, ledgers.entries < 4]).toEqual([1, true]);
  });
});

describe('npm run evolve -- --data', () => {
  it('tells progress, goes on from the file of a run that was stopped, and exits with 1 where some are stranded', async () => {
    const { api } = await filled();
    const file = path.join(await mkdtemp(path.join(tmpdir(), 'commit-once-')), 'state.json');
    const { tables } = api;
    const run = async (): Promise<{ out: string; progress: string; code: number | null }> => {
      const child = spawn(
        process.execPath,
        [
          '--import',
          'tsx',
          'infra/tools/evolve/evolve.ts',
          '--table',
          tables.data,
          '--data',
          '--state',
          file,
        ],
        {
          env: {
            ...process.env,
            AWS_ENDPOINT_URL_DYNAMODB: inject('dynamodbEndpoint'),
            AWS_REGION: localRegion,
            AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
            AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
          },
        },
      );
      const exited = new Promise<number | null>((resolve) => child.on('exit', resolve));
      const [out, progress, code] = await Promise.all([textOf(child.stdout), textOf(child.stderr), exited]);
      return { out, progress, code };
    };
    const [stopped] = await pages(api, members, { pageEntities: 1 });
    await writeFile(file, JSON.stringify({ table: tables.data, survey: stopped }));
    const { out, progress, code } = await run();
    expect([code, progress]).toEqual([
      1,
      expect.stringMatching(/^2 entities looked at, \d ledger entries/) as string,
    ]);
    expect(out).toMatch(/2 entities, by version and status:\n {2}1 members, version 1, active/);
    expect(out).toMatch(/STRANDED:\n {2}1 members: the collection is gone\n {6}acme mbr_/);
    await expect(readFile(file)).rejects.toThrow(/ENOENT/);
    await writeFile(file, JSON.stringify({ table: 'another', survey: stopped }));
    expect((await run()).code).toBe(2);
  });
});
