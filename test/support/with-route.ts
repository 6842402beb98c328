import type { Domain } from '../../functions/core/definition.ts';

/**
 * A definition whose creation has a route, as if callers might ask for it: so a walk makes by itself what else only
 * another command creates. That there is no route has a test of its own.
 */
export const withRoute = (domain: Domain): Domain =>
  domain.create.internal === true ? { ...domain, create: { ...domain.create, internal: false } } : domain;
