/**
 * Signs in at the issuer: OpenID Connect, authorization code with PKCE, in the viewer's own tab. Every outcome is a value.
 * What must be known when the viewer comes back lies in the tab's session storage until then.
 */
import * as oauth from 'oauth4webapi';
import { originsOf } from '../sign-in.ts';
import type { SignInSettings } from '../sign-in.ts';
import { urlOf } from './api.ts';
import { readClaims } from './session.ts';

export type SignInFailure =
  /** The issuer gave no answer, or none that the browser lets the page read. */
  | { readonly kind: 'unreachable' }
  /** The page came over plain http, where a browser has no means to hash. */
  | { readonly kind: 'insecure' }
  | { readonly kind: 'denied' }
  /** The answer is to no sign-in that this tab began. */
  | { readonly kind: 'foreign' }
  /** The code is used or too old. */
  | { readonly kind: 'expired' }
  /** The token is no JWT. */
  | { readonly kind: 'unreadable' }
  /** The token endpoint has an origin that the page may not ask. */
  | { readonly kind: 'elsewhere'; readonly origin: string }
  /** In the issuer's words. */
  | { readonly kind: 'refused'; readonly says: string };

export type SignInOutcome = { readonly kind: 'token'; readonly token: string } | SignInFailure;

/** What the tab keeps while the viewer is at the issuer. */
interface Pending {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** The fragment: where the viewer was. */
  readonly place: string;
}

/** What came back with the viewer. */
export interface IssuerAnswer {
  readonly parameters: URLSearchParams;
  /** Absent where this tab began no sign-in. */
  readonly pending: Pending | undefined;
}

const pendingAs = 'sign-in';

/** The issuer must know this address of the console. */
const redirectUri = urlOf('console').href;

/** @returns undefined where the deployment names no issuer for the console, or does not answer */
export async function loadSettings(): Promise<SignInSettings | undefined> {
  try {
    const response = await fetch(urlOf('console/sign-in.json'));
    const settings = (await response.json()) as Partial<SignInSettings>;
    return settings.issuer === undefined ? undefined : (settings as SignInSettings);
  } catch {
    return undefined;
  }
}

/** Leaves for the issuer. @returns what kept the viewer here */
export async function beginSignIn(settings: SignInSettings): Promise<SignInFailure | undefined> {
  if (!isSecureContext) return { kind: 'insecure' };
  try {
    const server = await discover(settings);
    const { origin } = new URL(server.token_endpoint ?? settings.issuer);
    if (!originsOf(settings).includes(origin)) return { kind: 'elsewhere', origin };
    const pending: Pending = {
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      verifier: oauth.generateRandomCodeVerifier(),
      place: location.hash,
    };
    const url = new URL(server.authorization_endpoint ?? settings.issuer);
    const parameters = {
      client_id: settings.clientId,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: settings.scopes,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(pending.verifier),
      code_challenge_method: 'S256',
      ...resourceOf(settings),
      ...(settings.audience !== undefined && { audience: settings.audience }),
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    sessionStorage.setItem(pendingAs, JSON.stringify(pending));
    location.assign(url);
    return undefined;
  } catch (error) {
    return failureOf(error);
  }
}

/**
 * Takes the issuer's answer out of the URL and out of the tab's store, and puts the viewer where they were. Call it before
 * anything else looks at the URL.
 */
export function takeIssuerAnswer(): IssuerAnswer | undefined {
  const parameters = new URLSearchParams(location.search);
  if (!['state', 'code', 'error'].some((name) => parameters.has(name))) return undefined;
  const stored = sessionStorage.getItem(pendingAs);
  sessionStorage.removeItem(pendingAs);
  const pending = stored === null ? undefined : (JSON.parse(stored) as Pending);
  history.replaceState(null, '', `${location.pathname}${pending?.place ?? location.hash}`);
  return { parameters, pending };
}

/** Redeems what the issuer sent back. The access token is for the API; the ID token only shows that the answer is ours. */
export async function finishSignIn(
  settings: SignInSettings | undefined,
  { parameters, pending }: IssuerAnswer,
): Promise<SignInOutcome> {
  if (pending === undefined || parameters.get('state') !== pending.state) return { kind: 'foreign' };
  if (settings === undefined) return { kind: 'unreachable' };
  try {
    const server = await discover(settings);
    const client = { client_id: settings.clientId };
    const answer = oauth.validateAuthResponse(server, client, parameters, pending.state);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.None(),
      answer,
      redirectUri,
      pending.verifier,
      { ...requestOptions(settings), additionalParameters: resourceOf(settings) },
    );
    const { access_token: token } = await oauth.processAuthorizationCodeResponse(server, client, response, {
      expectedNonce: pending.nonce,
      requireIdToken: true,
    });
    return readClaims(token) ? { kind: 'token', token } : { kind: 'unreadable' };
  } catch (error) {
    return failureOf(error);
  }
}

async function discover(settings: SignInSettings): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(settings.issuer);
  const response = await oauth.discoveryRequest(issuer, requestOptions(settings));
  return await oauth.processDiscoveryResponse(issuer, response);
}

const resourceOf = ({ resource }: SignInSettings): Readonly<Record<string, string>> =>
  resource === undefined ? {} : { resource };

/** An issuer over plain http is one for development; a deployment for real work refuses to be given one. */
const requestOptions = ({ issuer }: SignInSettings) => ({
  // It is deprecated to be noticed, and to stay.
  // oxlint-disable-next-line typescript/no-deprecated
  [oauth.allowInsecureRequests]: issuer.startsWith('http:'),
});

function failureOf(error: unknown): SignInFailure {
  if (error instanceof oauth.AuthorizationResponseError) {
    return error.error === 'access_denied' ? { kind: 'denied' } : refusedAs(error);
  }
  if (error instanceof oauth.ResponseBodyError) {
    return error.error === 'invalid_grant' ? { kind: 'expired' } : refusedAs(error);
  }
  if (error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError) {
    return { kind: 'refused', says: error.message };
  }
  return { kind: 'unreachable' };
}

const refusedAs = ({
  error,
  error_description: description,
}: oauth.AuthorizationResponseError | oauth.ResponseBodyError): SignInFailure => ({
  kind: 'refused',
  says: description === undefined ? error : `${error}: ${description}`,
});
