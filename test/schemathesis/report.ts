/** What a run of Schemathesis saw, from its report of events (NDJSON, one event a line). */
import { readFile } from 'node:fs/promises';

interface Event {
  readonly ScenarioFinished?: {
    readonly recorder: {
      readonly label: string;
      readonly interactions?: Readonly<
        Record<string, { readonly response?: { readonly status_code: number } }>
      >;
    };
  };
}

/** @returns how many answers of each status each operation gave, by its label: `GET /v1/payments` */
export async function statusesSeen(
  files: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<number, number>>> {
  const seen = new Map<string, Map<number, number>>();
  for (const file of files) {
    for (const line of (await readFile(file, 'utf8')).split('\n')) {
      if (line === '') continue;
      const { ScenarioFinished: finished } = JSON.parse(line) as Event;
      if (!finished) continue;
      const { label, interactions = {} } = finished.recorder;
      const counts = seen.get(label) ?? new Map<number, number>();
      seen.set(label, counts);
      for (const { response } of Object.values(interactions)) {
        if (response) counts.set(response.status_code, (counts.get(response.status_code) ?? 0) + 1);
      }
    }
  }
  return seen;
}
