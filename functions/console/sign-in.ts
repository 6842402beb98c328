/**
 * How the console signs in at the issuer of the API's tokens: OpenID Connect, authorization code with PKCE. None of it is
 * secret: a page can keep no secret, so the issuer knows the console as a public client.
 */
export interface SignInSettings {
  /** As the tokens' `iss` names it; its metadata lies below it (OpenID Connect Discovery). */
  readonly issuer: string;
  readonly clientId: string;
  /** With spaces between; `openid` is one of them. */
  readonly scopes: string;
  /** Whom the token is for, where the issuer wants it as `resource` (RFC 8707). */
  readonly resource?: string;
  /** Whom the token is for, where the issuer wants it as `audience`. */
  readonly audience?: string;
  /** Of the issuer's token endpoint, where that is not the issuer's own origin. */
  readonly tokenOrigin?: string;
}

/** Where the page may send requests to, beside its own origin. */
export const originsOf = ({ issuer, tokenOrigin }: SignInSettings): readonly string[] => [
  ...new Set([new URL(issuer).origin, ...(tokenOrigin === undefined ? [] : [tokenOrigin])]),
];

/** What a token needs for all that the console does, in an issuer that has scopes of these names. */
const defaultScopes = 'openid commands ops';

export const signInOptions = [
  'consoleClientId',
  'consoleScopes',
  'consoleResource',
  'consoleAudience',
  'consoleTokenOrigin',
] as const;
export type SignInOption = (typeof signInOptions)[number];

export interface SignInSource {
  /** One option's value; undefined where it was not given. */
  readonly read: (option: SignInOption) => string | undefined;
  readonly issuer: string;
  /** How whoever is told of a mistake gives an option, for example `-c consoleScopes=`. */
  readonly spell: (option: SignInOption) => string;
  /** Whether the issuer is reached over https alone. */
  readonly httpsOnly: boolean;
}

export type SignInResult =
  /** Without settings where no client is named: the token is pasted. */
  | { readonly ok: true; readonly settings?: SignInSettings }
  /** One line that says what to give. */
  | { readonly ok: false; readonly reason: string };

/** Reads and checks the options by which the console signs in. */
export function readSignIn({ read, issuer, spell, httpsOnly }: SignInSource): SignInResult {
  const refuse = (reason: string): SignInResult => ({ ok: false, reason });
  const clientId = read('consoleClientId');
  if (clientId === undefined) {
    const stray = signInOptions.find((option) => read(option) !== undefined);
    return stray === undefined
      ? { ok: true }
      : refuse(
          `${stray} is for a console that signs in: give ${spell('consoleClientId')}<id of the client> too`,
        );
  }
  if (!isVisible(clientId)) {
    return refuse(
      `the client of the console has other than visible characters: give ${spell('consoleClientId')}<id>`,
    );
  }
  if (!isOrigin(new URL(issuer).origin)) {
    return refuse(`the issuer "${issuer}" has a host that is no name: the console cannot sign in there`);
  }
  const scopes = read('consoleScopes') ?? defaultScopes;
  const words = scopes.split(' ').filter((word) => word !== '');
  if (!words.includes('openid') || !words.every(isScope)) {
    return refuse(
      `the scopes "${scopes}" are no words with spaces between, one of them openid: give ${spell('consoleScopes')}"${defaultScopes}"`,
    );
  }
  const resource = read('consoleResource');
  if (resource !== undefined && (!URL.canParse(resource) || resource.includes('#'))) {
    return refuse(
      `the resource "${resource}" is no URI without a fragment (RFC 8707): give ${spell('consoleResource')}https://<api>`,
    );
  }
  const audience = read('consoleAudience');
  const tokenOrigin = read('consoleTokenOrigin');
  if (
    tokenOrigin !== undefined &&
    (!isOrigin(tokenOrigin) || (httpsOnly && !tokenOrigin.startsWith('https:')))
  ) {
    return refuse(
      `"${tokenOrigin}" is no https origin without a path: give ${spell('consoleTokenOrigin')}https://<host of the token endpoint>`,
    );
  }
  return {
    ok: true,
    settings: {
      issuer,
      clientId,
      scopes: words.join(' '),
      ...(resource !== undefined && { resource }),
      ...(audience !== undefined && { audience }),
      ...(tokenOrigin !== undefined && { tokenOrigin }),
    },
  };
}

/** RFC 6749, appendix A.1, without the space. */
const isVisible = (text: string): boolean => /^[\x21-\x7e]+$/.test(text);

/** RFC 6749, appendix A.4. */
const isScope = (word: string): boolean => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(word);

/**
 * An origin that means itself alone in a content security policy. A host of a URL may hold `*`, `;` and `'`, which mean
 * something else there.
 */
const isOrigin = (text: string): boolean => /^https?:\/\/(?:[a-z\d.-]+|\[[\da-f:.]+\])(?::\d+)?$/.test(text);
