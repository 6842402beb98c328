import { randomUUID } from 'node:crypto';
import { executeTransition } from '../../functions/api/execute.ts';
import { ProblemError } from '../../functions/api/problem.ts';
import type { EntityState } from '../../functions/core/entity.ts';
import type { Reply, TestBackend } from './backend.ts';

/** Runs an entity's scheduled transition as a command of its worker; a refusal looks as it would to a caller. */
export async function runDue({ backend }: TestBackend, tenant: string, entity: EntityState): Promise<Reply> {
  const domain = backend.registry.byCollection(entity.collection);
  const name = domain.deadline?.transition ?? '';
  const request = {
    tenant,
    subject: 'system:timer',
    path: `timer/${entity.id}/${name}`,
    idempotencyKey: randomUUID(),
    requestId: randomUUID(),
    input: {},
  };
  try {
    const { status, body } = await executeTransition(backend, domain, name, entity.id, request);
    return { status, headers: {}, text: body, json: JSON.parse(body) as Reply['json'] };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    const { status, code } = error.problem;
    return { status, headers: {}, text: code, json: { code } };
  }
}
