/** The Korean pages say what the English ones and the code say. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, test } from 'vitest';

const root = path.join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const english = read('README.md');
const korean = read('README.ko.md');

/** Code without what is said in it to a person. */
const codeBlocks = (text: string): string[] =>
  [...text.matchAll(/^```(?:sh|ts|mermaid)\n(?<code>[\s\S]*?)^```/gm)].map(({ groups }) =>
    (groups?.['code'] ?? '').replaceAll(/^# .*$/gm, '#'),
  );
const figures = (text: string): string[] => text.match(/(?<= )\d+\.\d{2}(?= \|)/g) ?? [];
const links = (text: string): string[] =>
  [...text.matchAll(/\]\((?<target>[^)#:]+)\)/g)].map(({ groups }) => groups?.['target'] ?? '');

describe('README.ko.md', () => {
  it('has the commands and the code of README.md', () => {
    expect(codeBlocks(korean).length).toBeGreaterThan(5);
    expect(codeBlocks(korean)).toEqual(codeBlocks(english));
  });

  it('has its prices', () => {
    expect(figures(korean).length).toBeGreaterThan(5);
    expect(figures(korean)).toEqual(figures(english));
  });

  it('leads to files that are there', () => {
    for (const target of links(korean)) expect(existsSync(path.join(root, target)), target).toBe(true);
  });
});

describe('the Korean tutorial of the safe path', () => {
  const folder = 'functions/commands';
  const steps = read(`${folder}/README.ko.md`)
    .split(/^## (?=\d)/m)
    .slice(1);

  it('has eleven steps, in their order', () => {
    expect(steps.map((step) => Number.parseInt(step, 10))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  test.each(steps.map((step) => ({ step, title: step.split('\n')[0] })))(
    '$title: the line stands in the code, and the test in its file',
    ({ step }) => {
      for (const label of ['코드', '테스트']) {
        const line = new RegExp(`^- ${label}: \\[[^\\]]+\\]\\((?<file>[^)]+)\\) \`(?<quoted>[^\`]+)\`$`, 'm');
        const { file = '', quoted = '' } = line.exec(step)?.groups ?? {};
        expect(file).not.toBe('');
        expect(readFileSync(path.join(root, folder, file), 'utf8')).toContain(quoted);
      }
    },
  );
});
