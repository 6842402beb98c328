/** What must be right between definitions: what one names of another is there, and can be done to it. */
import { failOf, listed, checkRules, pathsOf } from './check-definition.ts';
import type { Fail } from './check-definition.ts';
import { faultOfStep } from './check-example.ts';
import { commandsOf, placeOf } from './domain.ts';
import type { AnyCommand, Domain } from './domain.ts';
import { collectionOf } from './others.ts';
import { spreadFaultOf } from './spread-accounts.ts';

/**
 * The entities that a command names are of domains that are there, what is taken along names no others itself, and what
 * is posted to a spread account can be.
 * @throws naming what is wrong between definitions
 */
export function checkOthers(domain: Domain, domains: readonly Domain[]): void {
  const fail = failOf(domain);
  const spread = spreadFaultOf(domain, domains);
  if (spread) fail(...spread);
  const { collection: own, create } = domain;
  if (create.internal === true && !domains.some((each) => each.collection !== own && doesCreate(each, own)))
    fail(
      'create',
      'it is internal, and no other definition creates it; name it in "creates" of a command, or leave "internal" out',
    );
  for (const [name, command] of commandsOf(domain)) {
    const { references, reads, links = {}, creates = {} } = command;
    checkSteps(domain, domains, name, command, fail);
    for (const [each, other] of Object.entries({ ...references, ...reads, ...links })) {
      const collection = collectionOf(domain, other);
      const place = `${placeOf(name)}, "${each}"`;
      const of = loaded(domains, collection, place, fail);
      checkRules(of, pathsOf(of), place, other.rules, fail);
      const link = links[each];
      if (link) checkLink(of, link.transition, place, fail);
    }
    for (const [each, creation] of Object.entries(creates)) {
      const collection = collectionOf(domain, creation);
      const place = `${placeOf(name)}, "${each}"`;
      const of = loaded(domains, collection, place, fail);
      if (of.create.links ?? of.create.creates)
        fail(
          `${place}, of`,
          `the creation of ${collection} has "links" or "creates" itself; they do not nest`,
        );
    }
  }
}

/** The domain of a collection, which has to be there. */
function loaded(domains: readonly Domain[], collection: string, place: string, fail: Fail): Domain {
  const of = domains.find((one) => one.collection === collection);
  return of ?? fail(`${place}, of`, `${collection} is not loaded; name it in functions/domains/index.ts`);
}

/** What goes before an example, or a refusal, is there, and can go before it. */
function checkSteps(
  domain: Domain,
  domains: readonly Domain[],
  name: string,
  { example, rules = {} }: AnyCommand,
  fail: Fail,
): void {
  const check = (place: string, steps: readonly string[] = []): void => {
    for (const step of steps) {
      const fault = faultOfStep(domain, domains, name, step);
      if (fault !== undefined) fail(`${placeOf(name)}, ${place}`, fault);
    }
  };
  check('example, after', example?.after);
  for (const [code, { refusedAfter }] of Object.entries(rules)) {
    const place = `rule "${code}", refusedAfter`;
    if (name === 'create' && refusedAfter)
      fail(`create, ${place}`, 'nothing comes before a creation; leave it out');
    check(place, refusedAfter);
  }
}

/** Whether a command of this domain creates entities of that collection. */
const doesCreate = (domain: Domain, collection: string): boolean =>
  commandsOf(domain).some(([, { creates = {} }]) =>
    Object.values(creates).some((creation) => collectionOf(domain, creation) === collection),
  );

function checkLink(of: Domain, transition: string, place: string, fail: Fail): void {
  const linked = of.transitions[transition];
  const names = Object.keys(of.transitions);
  if (!linked)
    return fail(
      `${place}, transition`,
      `${of.collection} have no "${transition}"; transitions are ${listed(names)}`,
    );
  if (linked.references ?? linked.reads ?? linked.links)
    fail(`${place}, transition`, `"${transition}" names others itself; linked transitions do not nest`);
}
