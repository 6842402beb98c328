/** What the README shows of the code is the code. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

const read = (name: string): Promise<string> => readFile(new URL(`../../${name}`, import.meta.url), 'utf8');

it('the domain of the README is the file that it names', async () => {
  const readme = await read('README.md');
  const named = /This is all of \[`(functions\/domains\/[a-z-]+\.ts)`\]/.exec(readme)?.[1] ?? '';
  expect(readme).toContain(`\`\`\`ts\n${await read(named)}\`\`\``);
});

it('the lines of the client in the README are ones that the compiler reads', async () => {
  const [, shown = ''] = /## From TypeScript\n\n```ts\n(.*?)```/s.exec(await read('README.md')) ?? [];
  const lines = shown.trim().split('\n');
  expect(lines.length).toBeGreaterThan(2);
  const compiled = (await read('test/types/client.ts')).split('\n').map((line) => line.trim());
  expect(compiled).toEqual(expect.arrayContaining(lines));
});
