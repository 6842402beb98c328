/** The tutorial of `functions/domains/README.md`, run as it stands there. */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';
import type { Domain } from '../../functions/core/definition.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { domains as allDomains } from '../../functions/domains/index.ts';
import { casesOf } from '../../infra/tools/explain/cases.ts';
import { measure } from '../../infra/tools/explain/run.ts';
import { itemsOf } from '../support/answers.ts';
import { startBackend } from '../support/backend.ts';
import type { Reply } from '../support/backend.ts';
import { emptyBench } from '../support/bench.ts';
import { conformance } from '../support/conformance.ts';

const root = path.join(import.meta.dirname, '../..');
const readme = await readFile(path.join(root, 'functions/domains/README.md'), 'utf8');

function block(name: string): string {
  const found = new RegExp(`\`\`\`(?:ts|sh) ${name}\\n([^]*?)\`\`\``).exec(readme)?.[1];
  if (found === undefined) throw new Error(`the tutorial has no block "${name}"`);
  return found;
}

/** Without that of a reader who follows the tutorial and keeps what comes of it. */
const domains = allDomains.filter(({ collection }) => collection !== 'parcels');

/** A folder that looks like the project with one file more. */
const folder = await mkdtemp(path.join(os.tmpdir(), 'tutorial-'));
async function written(name: string): Promise<string> {
  const copy = path.join(folder, name);
  await mkdir(path.join(copy, 'functions/domains'), { recursive: true });
  for (const part of ['functions/core', 'functions/runtime', 'node_modules', 'package.json']) {
    await symlink(path.join(root, part), path.join(copy, part));
  }
  const file = path.join(copy, 'functions/domains/parcels.ts');
  await writeFile(file, block(name));
  return file;
}
const files = { first: await written('first'), second: await written('second') };
const load = async (file: string): Promise<Domain> => {
  const { parcels } = (await import(pathToFileURL(file).href)) as { readonly parcels: Domain };
  return parcels;
};
const [first, second] = [await load(files.first), await load(files.second)];

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('the tutorial', () => {
  it('has the types right', { timeout: 60_000 }, () => {
    const read = ts.readConfigFile(path.join(root, 'tsconfig.json'), (file) => ts.sys.readFile(file));
    const { options } = ts.parseJsonConfigFileContent(read.config, ts.sys, root);
    const program = ts.createProgram(Object.values(files), { ...options, types: [] });
    const found = Object.values(files)
      .flatMap((file) => ts.getPreEmitDiagnostics(program, program.getSourceFile(file)))
      .filter(({ file }) => file?.fileName.endsWith('parcels.ts'));
    expect(found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
  });

  it('names the list as it is', async () => {
    const index = await readFile(path.join(root, 'functions/domains/index.ts'), 'utf8');
    expect(index).toContain('export const domains: readonly Domain[] = [');
    expect(block('list')).toContain('export const domains: readonly Domain[] = [');
  });

  it('answers its session as it says', async () => {
    const api = await startBackend({ domains: [...domains, first] });
    const replies: Reply[] = [];
    let id = '';
    for (const line of block('session')
      .split('\n')
      .filter((each) => each.startsWith('curl'))) {
      const target = /"\$API([^"]+)"/.exec(line)?.[1]?.replace('$ID', id) ?? '';
      const key = /Idempotency-Key: ([^']+)'/.exec(line)?.[1];
      const rawBody = / -d '([^']+)'/.exec(line)?.[1];
      const method = rawBody !== undefined || line.includes('-X POST') ? 'POST' : 'GET';
      const options = { ...(key !== undefined && { key }), ...(rawBody !== undefined && { rawBody }) };
      const reply = await api.request(method, target, options);
      if (id === '') id = String(reply.json['id']);
      replies.push(reply);
    }
    expect(replies.map(({ status }) => status)).toEqual([201, 200, 200, 409, 200]);
    expect(replies[2]?.text).toBe(replies[1]?.text);
    expect(replies[3]?.json['code']).toBe('transition_not_allowed');
    expect(itemsOf(replies[4] as Reply)).toHaveLength(2);
  });

  it('is explained, and no case is written for it', { timeout: 60_000 }, async () => {
    const all = [...domains, second];
    const bench = await emptyBench({ domains: all });
    const cases = casesOf(registerDomains(all)).filter(({ name }) => name.includes('/v1/parcels'));
    const measured = [];
    for (const one of cases) measured.push((await measure(bench, one, 2)).plan);
    bench.close();
    expect(measured.map(({ name, status, requests }) => `${name}: ${status}, ${requests}`)).toEqual([
      'POST /v1/parcels: 201, 1',
      'POST /v1/parcels/{id}/charge: 200, 2',
      'POST /v1/parcels/{id}/pay: 200, 2',
      'POST /v1/parcels/{id}/collect: 200, 2',
      'GET /v1/parcels: 200, 6',
      'GET /v1/parcels (by status): 200, 2',
      'GET /v1/parcels/{id}: 200, 1',
      'GET /v1/parcels/{id}/ledger: 200, 1',
      'GET /v1/parcels/{id}/messages: 200, 1',
      'POST /v1/parcels/{id}/lock: 200, 2',
      'POST /v1/parcels/{id}/unlock: 204, 2',
    ]);
  });

  it.each([
    ['example', 'examples/crowdfunding.ts'],
    ['answer', 'examples/subscriptions.ts'],
    ['after', 'integration/walk-ways.integration.test.ts'],
  ])('shows %s as a definition has it that passes these tests', async (name, file) => {
    const written = (await readFile(path.join(root, 'test', file), 'utf8')).split('\n');
    expect(
      block(name)
        .split('\n')
        .filter((line) => !written.includes(line)),
    ).toEqual([]);
  });

  it('stays short enough to be read', () => {
    expect(block('second').split('\n').length).toBeLessThan(120);
  });
});

conformance(second, [...domains, second]);
