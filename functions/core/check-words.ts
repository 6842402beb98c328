/**
 * The words of a definition. One that nobody reads is a mistake, and may be one that matters: a misspelt `role` would let
 * everybody in. The compiler says so where it is asked; whoever loads a definition without it hears it here.
 */
import type {
  AccountDefinition,
  AnyCommand,
  AnyCreate,
  AnyCreation,
  AnyDeadline,
  AnyExample,
  AnyLink,
  AnyOther,
  AnyTransition,
  Domain,
} from './domain.ts';
import { commandsOf, placeOf } from './domain.ts';
import type { AnyMessage } from './messages.ts';
import { ops } from './rules.ts';
import type { AnyRule } from './rules.ts';

/** Each word of a type, so that one that is new there cannot be forgotten here. */
type Words<Of> = Readonly<Record<keyof Of, true>>;

const ofCommand = {
  summary: true,
  role: true,
  input: true,
  example: true,
  authorize: true,
  rules: true,
  references: true,
  reads: true,
  links: true,
  creates: true,
  transfers: true,
  accountsAtMost: true,
  messages: true,
  set: true,
} satisfies Words<Omit<AnyCommand, 'internal'> & Pick<AnyCreate, 'set'>>;
const ofCreate = { ...ofCommand, to: true, next: true, internal: true } satisfies Words<AnyCreate>;
const ofTransition = {
  ...ofCommand,
  from: true,
  to: true,
  next: true,
  leads: true,
  ignoredIn: true,
  internal: true,
} satisfies Words<AnyTransition>;
const ofDomain = {
  collection: true,
  type: true,
  idPrefix: true,
  version: true,
  summary: true,
  states: true,
  formerStates: true,
  upgrades: true,
  initial: true,
  attributes: true,
  hidden: true,
  fixed: true,
  always: true,
  accounts: true,
  statements: true,
  spread: true,
  listed: true,
  unique: true,
  deadlines: true,
  create: true,
  transitions: true,
} satisfies Words<Domain>;
const ofMessage = {
  topic: true,
  type: true,
  receiver: true,
  uncertain: true,
  done: true,
  refused: true,
  dead: true,
  ordered: true,
  sensitive: true,
  sentIn: true,
  atMost: true,
  payload: true,
} satisfies Words<AnyMessage>;
const ofRule = {
  otherwise: true,
  kind: true,
  refusedAfter: true,
  path: true,
  holds: true,
  until: true,
  since: true,
  ...(Object.fromEntries(ops.map((op) => [op, true])) as Record<(typeof ops)[number], true>),
} satisfies Words<AnyRule>;
const ofOther = { of: true, id: true, rules: true, guarded: true } satisfies Words<AnyOther>;
const ofLink = { ...ofOther, transition: true, input: true, refused: true } satisfies Words<AnyLink>;
const ofCreation = { of: true, input: true } satisfies Words<AnyCreation>;
const ofExample = { input: true, actor: true, roles: true, after: true } satisfies Words<AnyExample>;
const ofAccount = {
  unit: true,
  floor: true,
  open: true,
  shown: true,
  statement: true,
  spread: true,
} satisfies Words<AccountDefinition>;
const ofDeadline = { while: true, at: true, every: true, since: true } satisfies Words<AnyDeadline>;

/** Made of a definition when it is read, and written by nobody. */
const made = ['initial', 'leads'];

type Fail = (place: string, fault: string) => void;

/** @param fail what to do about a word that is none; `place` is where it stands */
export function checkWords(domain: Domain, fail: Fail): void {
  const check = (place: string, known: object, found: object | undefined): void => {
    for (const name of Object.keys(found ?? {}))
      if (!Object.hasOwn(known, name)) {
        const words = Object.keys(known).filter((each) => !made.includes(each));
        fail(place, `"${name}" is no word here; words are ${words.join(', ')}`);
      }
  };
  const checkEach = (
    place: string,
    known: object,
    found: Readonly<Record<string, object | undefined>> = {},
  ) => {
    for (const [name, each] of Object.entries(found)) check(`${place} "${name}"`, known, each);
  };
  check('', ofDomain, domain);
  checkEach('account', ofAccount, domain.accounts);
  checkEach('deadline', ofDeadline, domain.deadlines);
  for (const [name, command] of commandsOf(domain)) {
    const at = placeOf(name);
    check(at, name === 'create' ? ofCreate : ofTransition, command);
    check(`${at}, example`, ofExample, command.example);
    checkEach(`${at}, rule`, ofRule, command.rules);
    checkEach(`${at}, references`, ofOther, command.references);
    checkEach(`${at}, reads`, ofOther, command.reads);
    checkEach(`${at}, links`, ofLink, command.links);
    checkEach(`${at}, creates`, ofCreation, command.creates);
    for (const message of command.messages ?? [])
      check(`${at}, message "${message.type}"`, ofMessage, message);
  }
}
