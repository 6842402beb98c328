/**
 * The domains that this application serves, named here and nowhere else. A team that keeps its own in a folder of its own
 * changes this line and no other file of the engine. `test/infra/other-domains.infra.test.ts` does so.
 */
export { domains } from './domains/index.ts';
