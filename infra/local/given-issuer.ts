/** An issuer of the user's own, whose tokens count beside those of `npm run token`, and where the console may sign in. */
import { createTokenCheck } from '../../functions/api/token-check.ts';
import { readSignIn, signInOptions } from '../../functions/console/sign-in.ts';
import type { SignInOption } from '../../functions/console/sign-in.ts';
import type { Variables } from './given-endpoints.ts';
import { toClaims, type JwtAuthorizer } from './jwt-authorizer.ts';
import { StartError } from './start-error.ts';

export interface GivenIssuer {
  readonly authorizer: JwtAuthorizer;
  /** Variables for the functions. */
  readonly environment: Readonly<Record<string, string>>;
}

/** `consoleClientId` -> `CONSOLE_CLIENT_ID` */
const variableOf = (option: SignInOption): string => option.replaceAll(/[A-Z]/g, '_$&').toUpperCase();

/**
 * Reads `JWT_ISSUER`, `JWT_AUDIENCE` (several with commas between) and the console's options, which are called as in a
 * deployment: `CONSOLE_CLIENT_ID` is `-c consoleClientId=`.
 * @returns undefined where no issuer is named
 * @throws StartError
 */
export function readGivenIssuer(variables: Variables): GivenIssuer | undefined {
  const given = (name: string): string | undefined => variables[name]?.trim() || undefined;
  const issuer = given('JWT_ISSUER');
  if (issuer === undefined) {
    const stray = ['JWT_AUDIENCE', ...signInOptions.map(variableOf)].find(
      (name) => given(name) !== undefined,
    );
    if (stray !== undefined)
      throw new StartError(`${stray} is of an issuer: give JWT_ISSUER=https://<issuer> too`);
    return undefined;
  }
  if (!URL.canParse(issuer) || !/^https?:/.test(issuer))
    throw new StartError(`JWT_ISSUER ${issuer} is no URL: give JWT_ISSUER=https://<issuer>`);
  const audience = (given('JWT_AUDIENCE') ?? '').split(',').flatMap((part) => part.trim() || []);
  if (audience.length === 0) throw new StartError('give JWT_AUDIENCE=<audience> with JWT_ISSUER');
  const signIn = readSignIn({
    read: (option) => given(variableOf(option)),
    issuer,
    spell: (option) => `${variableOf(option)}=`,
    httpsOnly: false,
  });
  if (!signIn.ok) throw new StartError(signIn.reason);
  const check = createTokenCheck({ issuer, audience });
  return {
    authorizer: {
      authorize: async (authorization) => {
        const claims = await check(authorization === undefined ? [] : [authorization]);
        return claims && toClaims(claims);
      },
    },
    environment: signIn.settings === undefined ? {} : { CONSOLE_SIGN_IN: JSON.stringify(signIn.settings) },
  };
}
