import { readSignIn } from '../../functions/console/sign-in.ts';
import type { SignInSettings } from '../../functions/console/sign-in.ts';
import { defaultReceiver, receiverName } from '../../functions/runtime/receivers.ts';
import { parseModel } from './model.ts';
import { isStageName, stageNames, stages, type StageName } from './stages.ts';

/** What a deployment is given by `-c name=value`. */
export interface DeployOptions {
  readonly stage: StageName;
  /** Issuer of the tokens: an https URL whose OpenID configuration names the keys. */
  readonly jwtIssuer: string;
  /** Accepted `aud` claims; several are separated by commas. */
  readonly jwtAudience: readonly string[];
  /** Where the console signs in; absent, and a token is pasted. */
  readonly consoleSignIn?: SignInSettings;
  /** Sender of every mail. */
  readonly mailFrom: string;
  /** What was verified in SES, where it is neither the sender nor the sender's domain but a domain above that. */
  readonly mailIdentity?: string;
  /** Receiver of `external-call` messages that have none of their own. */
  readonly externalCallUrl?: string;
  /** Receivers by name, from `-c receiver.<name>=`: the URL of each. */
  readonly receivers?: Readonly<Record<string, string>>;
  /** A model of the Region, or an inference profile where the Region has none of its own. */
  readonly llmModelId?: string;
  /** Subscribed to the alarms; AWS asks for a confirmation by mail. */
  readonly alarmEmail?: string;
  /** Mail goes to this SMTP server instead of SES. Only where no password is needed. */
  readonly smtpUrl?: string;
  /** Bedrock runtime endpoint other than the region's own: a stand-in for development. */
  readonly llmEndpointUrl?: string;
  /** Public keys (a JWK set as JSON) for the function of the `localstack` stage, which may not reach the issuer. */
  readonly jwtKeys?: string;
  /**
   * Ships a fix while an alarm is on: the deployment is held up, and taken back, by no alarm. Only where releases go
   * by canary.
   */
  readonly hotfix?: boolean;
  /** Releases definitions that `npm run evolve` refuses. */
  readonly evolve?: 'anyway';
  /** Leaves every alarm out, for a server that has none of metrics. Never in prod. */
  readonly alarms?: 'off';
  /** Whether functions get their share of the account's concurrency; the stage says by default. */
  readonly reservedConcurrency?: 'on' | 'off';
}

export type OptionsResult =
  | { readonly ok: true; readonly options: DeployOptions }
  /** One line that says what to give. */
  | { readonly ok: false; readonly reason: string };

/**
 * What stands where nothing was given: names reserved by RFC 2606, so that a message to them fails in the open, is
 * dead with its reason and can be redriven once the stack is deployed with the real ones; and a model that few
 * Regions offer without an inference profile.
 */
export const unset = {
  mailFrom: 'no-reply@example.com',
  externalCallUrl: 'https://not-configured.invalid/',
  llmModelId: 'amazon.nova-lite-v1:0',
} as const;
const withCanary = stageNames.filter((name) => stages[name].canary);

/** What the name of a `-c` value begins with that names a receiver. */
const receiverPrefix = 'receiver.';

/**
 * Reads and checks the context of a deployment.
 * @param context looks up one `-c` value; `undefined` where it was not given
 * @param names of all `-c` values that were given
 */
export function readOptions(
  context: (name: string) => unknown,
  names: readonly string[] = [],
): OptionsResult {
  const read = (name: string): string | undefined => {
    const value: unknown = context(name);
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
  };
  const refuse = (reason: string): OptionsResult => ({ ok: false, reason });

  const stage = read('stage');
  if (!isStageName(stage)) {
    const given = stage === undefined ? 'no stage was given' : `unknown stage "${stage}"`;
    return refuse(`${given}: give -c stage= one of ${stageNames.join(', ')}`);
  }
  const jwtIssuer = read('jwtIssuer');
  const jwtAudience = (read('jwtAudience') ?? '').split(',').flatMap((part) => part.trim() || []);
  const missing = [
    ...(jwtIssuer === undefined ? ['-c jwtIssuer=https://<issuer>'] : []),
    ...(jwtAudience.length === 0 ? ['-c jwtAudience=<audience>'] : []),
  ];
  if (jwtIssuer === undefined || missing.length > 0) {
    return refuse(`the tokens' issuer or audience is missing: give ${missing.join(' and ')}`);
  }
  const { production } = stages[stage];
  if (!isUrl(jwtIssuer, production ? ['https:'] : ['https:', 'http:'])) {
    return refuse(`jwtIssuer "${jwtIssuer}" is not an https URL: give -c jwtIssuer=https://<issuer>`);
  }
  const consoleSignIn = readSignIn({
    read,
    issuer: jwtIssuer,
    spell: (option) => `-c ${option}=`,
    httpsOnly: production,
  });
  if (!consoleSignIn.ok) return refuse(consoleSignIn.reason);
  const mailFrom = read('mailFrom') ?? unset.mailFrom;
  if (!isAddress(mailFrom)) {
    return refuse(`mailFrom "${mailFrom}" is not a bare address: give -c mailFrom=name@domain`);
  }
  const mailIdentity = read('mailIdentity');
  if (mailIdentity !== undefined && !sendsFor(mailIdentity, mailFrom)) {
    return refuse(
      `mailIdentity "${mailIdentity}" is neither mailFrom nor a domain above it: give -c mailIdentity=<domain>`,
    );
  }
  const externalCallUrl = read('externalCallUrl');
  if (
    externalCallUrl !== undefined &&
    (!isUrl(externalCallUrl, production ? ['https:'] : ['https:', 'http:']) || namesUser(externalCallUrl))
  ) {
    return refuse(
      'externalCallUrl is not an https URL without a password, which anyone could read in the template: give -c externalCallUrl=https://<receiver>',
    );
  }
  const receivers: Record<string, string> = {};
  for (const option of names.filter((name) => name.startsWith(receiverPrefix))) {
    const name = option.slice(receiverPrefix.length);
    if (!receiverName.safeParse(name).success || name === defaultReceiver) {
      return refuse(
        `"${name}" is no name of a receiver (lower-case letters, digits and hyphens): give -c receiver.<name>=https://<receiver>`,
      );
    }
    const url = read(option);
    if (url === undefined || !isUrl(url, production ? ['https:'] : ['https:', 'http:']) || namesUser(url)) {
      return refuse(
        `receiver.${name} is not an https URL without a password, which anyone could read in the template: give -c receiver.${name}=https://<receiver>`,
      );
    }
    receivers[name] = url;
  }
  const llmModelId = read('llmModelId');
  if (llmModelId !== undefined && parseModel(llmModelId) === undefined) {
    return refuse(
      `llmModelId "${llmModelId}" says no model: give -c llmModelId= the id or ARN of a model, of a cross-Region inference profile (eu.<model>) or of provisioned throughput`,
    );
  }
  const smtpUrl = read('smtpUrl');
  if (smtpUrl !== undefined && (production || !isUrl(smtpUrl, ['smtp:', 'smtps:']) || namesUser(smtpUrl))) {
    return refuse(
      'smtpUrl is for dev and localstack and without a password: give -c smtpUrl=smtp://<host>:<port>',
    );
  }
  const jwtKeys = read('jwtKeys');
  if (jwtKeys !== undefined && stage !== 'localstack') {
    return refuse(`jwtKeys is for the localstack stage only: leave it out, the keys come from the issuer`);
  }
  const hotfix = read('hotfix') ?? 'false';
  if (hotfix !== 'false' && (hotfix !== 'true' || !stages[stage].canary)) {
    return refuse(
      `hotfix is true or false, and true only where releases go by canary: give -c hotfix=true for ${withCanary.join(', ')}`,
    );
  }
  const evolve = read('evolve');
  if (evolve !== undefined && evolve !== 'anyway') {
    return refuse('evolve is anyway, or not given: give -c evolve=anyway to release what is refused');
  }
  const alarms = read('alarms') ?? 'on';
  if (alarms !== 'on' && (alarms !== 'off' || stage === 'prod')) {
    return refuse('alarms is on or off, and always on in prod: give -c alarms=off for another stage');
  }
  const reservedConcurrency = read('reservedConcurrency');
  if (reservedConcurrency !== undefined && reservedConcurrency !== 'on' && reservedConcurrency !== 'off') {
    return refuse(
      'reservedConcurrency is on or off: give -c reservedConcurrency=off where the account has a small quota',
    );
  }
  const alarmEmail = read('alarmEmail');
  if (alarmEmail !== undefined && !isAddress(alarmEmail)) {
    return refuse(`alarmEmail "${alarmEmail}" is not a bare address: give -c alarmEmail=name@domain`);
  }
  const llmEndpointUrl = read('llmEndpointUrl');
  if (
    llmEndpointUrl !== undefined &&
    (production || !isUrl(llmEndpointUrl, ['https:', 'http:']) || namesUser(llmEndpointUrl))
  ) {
    return refuse(
      'llmEndpointUrl is for dev and localstack and without a password: give -c llmEndpointUrl=http://<host>:<port>',
    );
  }
  return {
    ok: true,
    options: {
      stage,
      jwtIssuer,
      jwtAudience,
      ...(consoleSignIn.settings !== undefined && { consoleSignIn: consoleSignIn.settings }),
      mailFrom,
      ...(mailIdentity !== undefined && { mailIdentity }),
      ...(externalCallUrl !== undefined && { externalCallUrl }),
      ...(Object.keys(receivers).length > 0 && { receivers }),
      ...(llmModelId !== undefined && { llmModelId }),
      ...(alarmEmail !== undefined && { alarmEmail }),
      ...(smtpUrl !== undefined && { smtpUrl }),
      ...(llmEndpointUrl !== undefined && { llmEndpointUrl }),
      ...(jwtKeys !== undefined && { jwtKeys }),
      ...(hotfix === 'true' && { hotfix: true }),
      ...(evolve !== undefined && { evolve }),
      ...(alarms === 'off' && { alarms }),
      ...(reservedConcurrency !== undefined && { reservedConcurrency }),
    },
  };
}

/** A `-c` value that was not given, and what becomes of messages without it. */
export interface Gap {
  readonly option: keyof typeof unset;
  readonly consequence: string;
}

/** Those without which some messages cannot be delivered, or not in every Region. */
export function gapsOf(options: DeployOptions): readonly Gap[] {
  const gaps: readonly (Gap & { readonly isOpen: boolean })[] = [
    {
      option: 'mailFrom',
      isOpen: options.mailFrom === unset.mailFrom,
      consequence: 'its messages are dead until the stack is deployed with it',
    },
    {
      option: 'externalCallUrl',
      isOpen: options.externalCallUrl === undefined,
      consequence: 'its messages are dead until the stack is deployed with it',
    },
    {
      option: 'llmModelId',
      isOpen: options.llmModelId === undefined,
      // https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-supported.html
      consequence: `the model is ${unset.llmModelId}, which us-east-1 and us-gov-west-1 alone offer by that name; elsewhere its messages are dead until the stack is deployed with an inference profile, such as eu.${unset.llmModelId}`,
    },
  ];
  return gaps.filter(({ isOpen }) => isOpen);
}

/** Whether whoever owns the identity may send from the address. */
function sendsFor(identity: string, address: string): boolean {
  const domain = address.slice(address.indexOf('@') + 1);
  return identity === address || `.${domain}`.endsWith(`.${identity}`);
}

const isAddress = (value: string): boolean => /^[^\s@<>"]+@[^\s@<>"]+$/.test(value);

/** Of a URL: whether a name or a password stands in it. */
function namesUser(value: string): boolean {
  const { username, password } = new URL(value);
  return username !== '' || password !== '';
}

function isUrl(value: string, protocols: readonly string[]): boolean {
  return URL.canParse(value) && protocols.includes(new URL(value).protocol);
}
