/** The record of what callers saw. */
import type { Reply, RequestOptions, TestBackend } from '../backend.ts';
import type { Life } from './fault-client.ts';

export interface Request {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly tenant: string;
  readonly subject: string;
  readonly key?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One request and its end. Times are places in the order of all that happened. */
export interface Observed extends Request {
  readonly startedAt: number;
  readonly endedAt: number;
  /** Absent where the process died before it answered. */
  readonly reply?: Reply;
}

/** Runs requests and remembers them. */
export class Observer {
  readonly seen: Observed[] = [];
  #time = 0;

  /** @returns the reply, or `undefined` where the process died */
  async request(api: TestBackend, request: Request, life?: Life): Promise<Reply | undefined> {
    const startedAt = (this.#time += 1);
    const { method, path, tenant, subject, key, body, headers } = request;
    const options: RequestOptions = {
      tenant,
      subject,
      ...(body !== undefined && { body }),
      ...(key !== undefined && { key }),
      ...(headers && { headers }),
    };
    const answered = api.request(method, path, options);
    const end = life ? await Promise.race([answered, life.died]) : await answered;
    const reply = end === 'died' ? undefined : end;
    this.seen.push({ ...request, startedAt, endedAt: (this.#time += 1), ...(reply && { reply }) });
    return reply;
  }
}

/** Whether a reply is the command's answer, which every caller of its key gets. */
export function isFinal({ status, json }: Reply): boolean {
  const code = (json as Reply['json'] | undefined)?.['code'];
  if (status < 300 || status === 412) return true;
  return (
    (status === 409 && code !== 'request_in_progress') ||
    (status === 422 && code !== 'idempotency_key_reused')
  );
}
