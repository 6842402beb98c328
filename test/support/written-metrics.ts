/** What the functions write as metrics: the lines of stdout in the embedded metric format, read back. */
import { vi } from 'vitest';
import { z } from 'zod';

/** One metric of a line. */
export interface WrittenMetric {
  readonly namespace: string;
  readonly name: string;
  readonly unit: string;
  readonly dimensions: Readonly<Record<string, string>>;
  /** All values that the line has for it. */
  readonly values: readonly number[];
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html */
const directives = z.object({
  _aws: z.strictObject({
    Timestamp: z.int(),
    CloudWatchMetrics: z.array(
      z.strictObject({
        Namespace: z.string(),
        Dimensions: z.array(z.array(z.string())).length(1),
        Metrics: z.array(z.strictObject({ Name: z.string(), Unit: z.string() })).min(1),
      }),
    ),
  }),
});

/** Runs work and keeps the metric lines that it writes to stdout from the test's own output. */
export async function metricLines(work: () => unknown): Promise<WrittenMetric[][]> {
  const lines: WrittenMetric[][] = [];
  const write = process.stdout.write.bind(process.stdout);
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((chunk, ...rest) => {
    const text = String(chunk);
    if (!text.includes('"_aws"')) return write(chunk, ...(rest as []));
    lines.push(readLine(text));
    return true;
  });
  try {
    await work();
  } finally {
    spy.mockRestore();
  }
  return lines;
}

function readLine(text: string): WrittenMetric[] {
  const line = JSON.parse(text) as Record<string, unknown>;
  return directives.parse(line)._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
    Metrics.map(({ Name, Unit }) => ({
      namespace: Namespace,
      name: Name,
      unit: Unit,
      dimensions: Object.fromEntries((Dimensions[0] ?? []).map((name) => [name, String(line[name])])),
      values: [line[Name]].flat() as number[],
    })),
  );
}

/** Sums by name and topic, e.g. `{ 'MessagesDone llm': 2, 'CommandsCommitted': 1 }`. */
export function sums(lines: readonly (readonly WrittenMetric[])[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { name, dimensions, values } of lines.flat()) {
    const { topic } = dimensions;
    const key = topic === undefined ? name : `${name} ${topic}`;
    found[key] = values.reduce((sum, value) => sum + value, found[key] ?? 0);
  }
  return found;
}
