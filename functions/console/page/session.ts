/** The viewer's token. It lives as long as the tab: in its session storage, so that a reload does not sign out. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Api } from './api.ts';
import type { ApiDocument } from './document.ts';

export interface Session {
  readonly api: Api;
  readonly document: ApiDocument;
  readonly claims: Claims;
}

/** What the token says of the viewer. The service checks it; here it is only shown. */
export interface Claims {
  readonly subject: string;
  readonly tenant: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** Epoch ms. */
  readonly expiresAt: number | undefined;
}

const storedAs = 'token';

export const storedToken = (): string | undefined => sessionStorage.getItem(storedAs) ?? undefined;

export function storeToken(token: string | undefined): void {
  if (token === undefined) sessionStorage.removeItem(storedAs);
  else sessionStorage.setItem(storedAs, token);
}

/** @returns undefined where the text is no JWT */
export function readClaims(token: string): Claims | undefined {
  try {
    const [, payload = ''] = token.split('.');
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (character) =>
      character.charCodeAt(0),
    );
    const { sub, tenant, scope, roles, exp } = JSON.parse(new TextDecoder().decode(bytes)) as Readonly<
      Record<string, unknown>
    >;
    return {
      subject: typeof sub === 'string' ? sub : '',
      tenant: typeof tenant === 'string' ? tenant : '',
      scopes: words(scope),
      roles: words(roles),
      expiresAt: typeof exp === 'number' ? exp * 1000 : undefined,
    };
  } catch {
    return undefined;
  }
}

/** A list, or one text with spaces between. */
const words = (value: unknown): readonly string[] =>
  Array.isArray(value)
    ? value.filter((word) => typeof word === 'string')
    : typeof value === 'string'
      ? value.split(' ').filter((word) => word !== '')
      : [];

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('nobody is signed in');
  return session;
}
