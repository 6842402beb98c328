/** What was tried, counted over all test files of a run and printed as one table at its end. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the counts of this run are gathered, a JSON line each. */
    faultCounts: string;
  }
}

export interface Count {
  /** What was put to the test, e.g. `payments`, `relay`. */
  readonly subject: string;
  readonly what: 'single fault' | 'pair of faults' | 'random history' | 'broken build';
  readonly cases: number;
  /** Faults that were in fact injected. */
  readonly faults: number;
  readonly violations: number;
}

/** Adds to the table. */
export function count(entry: Count): void {
  appendFileSync(inject('faultCounts'), `${JSON.stringify(entry)}\n`);
}

/** Projects of one run share a process but not their modules, so what they share stands on the global object. */
const shared = globalThis as { sharedCounts?: { users: number; file: string } };

/** Vitest's global setup: makes the place, and prints the table when all files of all projects are through. */
export function setup(project: TestProject): () => void {
  const gathered = (shared.sharedCounts ??= {
    users: 0,
    file: path.join(mkdtempSync(path.join(os.tmpdir(), 'fault-counts-')), 'counts.jsonl'),
  });
  if (gathered.users === 0) writeFileSync(gathered.file, '');
  gathered.users += 1;
  project.provide('faultCounts', gathered.file);
  return () => {
    gathered.users -= 1;
    if (gathered.users > 0) return;
    delete shared.sharedCounts;
    const counts = readFileSync(gathered.file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Count);
    rmSync(path.dirname(gathered.file), { recursive: true, force: true });
    if (counts.length > 0) process.stdout.write(`\n${table(counts)}\n`);
  };
}

/** As Markdown, for people and for the README. */
export function table(counts: readonly Count[]): string {
  const kinds = ['single fault', 'pair of faults', 'random history', 'broken build'] as const;
  const rows = new Map<string, Record<string, Count>>();
  for (const entry of counts) {
    const row = rows.get(entry.subject) ?? {};
    row[entry.what] = added(row[entry.what], entry);
    rows.set(entry.subject, row);
  }
  const total = (row: Record<string, Count>, field: 'cases' | 'faults' | 'violations'): number =>
    Object.values(row).reduce((sum, entry) => sum + (entry.what === 'broken build' ? 0 : entry[field]), 0);
  const sorted = [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const lines = sorted.map(([subject, row]) => [
    subject,
    ...kinds.map((kind) => String(row[kind]?.cases ?? '')),
    String(total(row, 'faults')),
    String(total(row, 'violations')),
  ]);
  const sum = (column: number): string =>
    String(lines.reduce((total, line) => total + Number(line[column] ?? 0), 0));
  const header = [
    'subject',
    'single faults',
    'pairs of faults',
    'random histories',
    'broken builds caught',
    'faults injected',
    'violations',
  ];
  const all = [...lines, ['**all**', ...header.slice(1).map((_, index) => sum(index + 1))]];
  return [header, header.map(() => '---'), ...all].map((line) => `| ${line.join(' | ')} |`).join('\n');
}

const added = (before: Count | undefined, entry: Count): Count =>
  before
    ? {
        ...entry,
        cases: before.cases + entry.cases,
        faults: before.faults + entry.faults,
        violations: before.violations + entry.violations,
      }
    : entry;
