/** What each command costs by its cost contract; the file was made with the page. */
import { urlOf } from './api.ts';
import type { Answer } from './api.ts';

export interface Cost {
  /** E.g. `POST /v1/payments/{id}/refund (a part)`. */
  readonly name: string;
  /** Calls to DynamoDB. */
  readonly requests: number;
  readonly readUnits: number;
  readonly writeUnits: number;
  /** For a million, with all that a command causes. */
  readonly dollars: number;
}

export async function loadCosts(): Promise<Answer<readonly Cost[]>> {
  try {
    const response = await fetch(urlOf('console/costs.json'));
    if (!response.ok) return { kind: 'unreachable' };
    return { kind: 'ok', value: (await response.json()) as readonly Cost[], replayed: false };
  } catch {
    return { kind: 'unreachable' };
  }
}
