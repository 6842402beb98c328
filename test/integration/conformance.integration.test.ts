/** Every domain of the list passes the conformance tests, and so do the examples, and one that has just been thought up. */
import { domains } from '../../functions/domains/index.ts';
import { examples } from '../examples/index.ts';
import { conformance } from '../support/conformance.ts';
import { loans } from '../support/toy-domain.ts';

for (const domain of domains) conformance(domain, domains);
for (const example of examples) conformance(example, examples);

conformance(loans, [...domains, loans]);
