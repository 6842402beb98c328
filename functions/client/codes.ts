/** The codes that a definition tells by itself: what `types.ts` says to the compiler, at run time. */
import type { AnyCommand, AnyOther, Domain } from '../core/domain.ts';

interface Ruled {
  readonly rules?: Readonly<Record<string, { readonly kind?: 'unprocessable' }>>;
}

const ruleCodes = ({ rules = {} }: Ruled): string[] =>
  Object.entries(rules).map(([code, { kind }]) => kind ?? code);

const accountCodes = ({ accounts = {} }: Domain): string[] =>
  Object.values(accounts).flatMap(({ floor, open }) => [floor?.code ?? [], open?.code ?? []].flat());

function domainIn(domain: Domain, { of }: Pick<AnyOther, 'of'>): Domain {
  const one = of === 'self' ? of : 'many' in of ? of.many : 'maybe' in of ? of.maybe : of;
  return one === 'self' ? domain : one;
}

/** @param name `create`, or a transition's */
export function knownCodes(domain: Domain, name: string): ReadonlySet<string> {
  const transition = name === 'create' ? undefined : domain.transitions[name];
  const {
    role,
    authorize = {},
    references = {},
    reads = {},
    links = {},
    creates = {},
    ...command
  }: AnyCommand = transition ?? domain.create;
  const made = Object.values(creates).map((creation) => domainIn(domain, creation));
  const others = [references, reads, links].flatMap((named): AnyOther[] => Object.values(named));
  return new Set([
    ...(transition
      ? [
          'not_found',
          'transition_not_allowed',
          'version_mismatch',
          'locked',
          'lock_lost',
          ...accountCodes(domain),
        ]
      : []),
    ...(role === undefined ? [] : ['role_missing']),
    ...Object.keys(authorize),
    ...ruleCodes(command),
    ...others.flatMap((other) => [
      ...['unprocessable', 'locked'],
      ...ruleCodes(other),
      ...accountCodes(domainIn(domain, other)),
    ]),
    ...Object.values(links).flatMap(({ refused }) => refused?.code ?? []),
    ...made.flatMap((of) => [
      ...['unprocessable', 'locked'],
      ...ruleCodes(of.create),
      ...Object.values({ ...of.create.reads, ...of.create.references }).flatMap(ruleCodes),
      ...accountCodes(of),
    ]),
    ...([domain, ...made].some(({ unique = [] }) => unique.length > 0) ? ['already_exists'] : []),
  ]);
}
