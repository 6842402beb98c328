/** Every domain of the list passes the conformance tests, and so does one that has just been thought up. */
import { domains } from '../../functions/domains/index.ts';
import { conformance } from '../support/conformance.ts';
import { loans } from '../support/toy-domain.ts';

for (const domain of domains) conformance(domain, domains);

conformance(loans, [...domains, loans]);
