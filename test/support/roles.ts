import { rolesOf } from '../../functions/core/registry.ts';
import { domains } from '../../functions/domains/index.ts';
import { examples } from '../examples/index.ts';
import { loans } from './toy-domain.ts';

/** Every role that a domain, an example or a test's own definition wants: what the tests' callers have unless told otherwise. */
export const everyRole: readonly string[] = rolesOf([...domains, ...examples, loans]);
