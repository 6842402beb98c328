/** The Korean pages say what the English ones and the code say; so does the guide to the safe path in both. */
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

describe.each([
  { file: 'functions/commands/README.md', code: 'Code', test: 'Test' },
  { file: 'functions/commands/README.ko.md', code: '코드', test: '테스트' },
])('$file', ({ file, code, test: tested }) => {
  const folder = path.dirname(path.join(root, file));
  const steps = read(file)
    .split(/^## (?=\d)/m)
    .slice(1);
  const quotes = (step: string, label: string): { file: string; quoted: string }[] =>
    [...step.matchAll(/^- (?<label>\S+): \[[^\]]+\]\((?<file>[^)]+)\) `(?<quoted>[^`]+)`$/gm)].flatMap(
      ({ groups }) =>
        groups?.['label'] === label ? [{ file: groups['file'] ?? '', quoted: groups['quoted'] ?? '' }] : [],
    );

  it('has eleven steps, in their order', () => {
    expect(steps.map((step) => Number.parseInt(step, 10))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  test.each(steps.map((step) => ({ step, title: step.split('\n')[0] })))(
    '$title: its lines stand in the code, and its tests in their files',
    ({ step }) => {
      const [lines, tests] = [quotes(step, code), quotes(step, tested)];
      expect(lines.length).toBeGreaterThan(0);
      expect(tests.length).toBe(lines.length);
      for (const { file: target, quoted } of [...lines, ...tests]) {
        expect(readFileSync(path.join(folder, target), 'utf8')).toContain(quoted);
      }
    },
  );
});

it('the safe path has the same lines and tests in both languages', () => {
  const quoted = (file: string): string[] => read(file).match(/(?<=^- \S+: ).*$/gm) ?? [];
  expect(quoted('functions/commands/README.ko.md').length).toBeGreaterThan(20);
  expect(quoted('functions/commands/README.ko.md')).toEqual(quoted('functions/commands/README.md'));
});
