import { randomUUID } from 'node:crypto';
import { answerOf, responseOf } from '../../functions/api/outcomes.ts';
import { ProblemError } from '../../functions/api/problem.ts';
import { execute } from '../../functions/commands/execute.ts';
import type { EntityState } from '../../functions/core/entity.ts';
import type { Reply, TestBackend } from './backend.ts';

/** Runs what an entity waits for as a command of its worker; a refusal looks as it would to a caller. */
export async function runDue(
  { backend }: TestBackend,
  tenant: string,
  { due, ...entity }: EntityState,
): Promise<Reply> {
  if (!due) throw new Error(`${entity.id} waits for nothing`);
  const domain = backend.registry.byCollection(entity.collection);
  const name = due.transition;
  const [requestId, path] = [randomUUID(), `timer/${entity.id}/${name}`];
  const outcome = await execute(backend, {
    kind: 'transition',
    tenant,
    subject: 'system:timer',
    path,
    idempotencyKey: randomUUID(),
    requestId,
    domain,
    name,
    id: entity.id,
    dueAt: due.at,
    payload: {},
    input: {},
    answerOf: answerOf({ requestId, path }),
  });
  try {
    const response = responseOf(outcome);
    const text = await response.text();
    return { status: response.status, headers: {}, text, json: JSON.parse(text) as Reply['json'] };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    const { status, code } = error.problem;
    return { status, headers: {}, text: code, json: { code } };
  }
}
