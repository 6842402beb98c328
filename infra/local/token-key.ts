import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { exportJWK, generateKeyPair, importJWK, SignJWT, type JSONWebKeySet, type JWK } from 'jose';

/** What local tokens say and the local authorizer asks for. */
export const localIssuer = 'http://localhost/commit-once';
export const localAudience = 'commit-once-local';

/** API Gateway's JWT authorizer takes RSA signatures only, so a token that works here would work there. */
export const algorithm = 'RS256';

/** Named one by one: a private RSA key has six further members, and none of them may slip out. */
const publicMembers = ['kty', 'n', 'e', 'kid', 'alg', 'use'] as const;
const keyFile = 'token-key.json';

/** The git-ignored folder of this project for what its starts share: the key, and what was synthesized. */
export const projectFolder = path.join(import.meta.dirname, '../../.local');

/**
 * Reads the private key of this project folder, or makes it. Whoever comes first, the stack or a token, makes it;
 * there is one for all stacks of the folder, so a token is good before and after a start, with any `DATA_DIR`.
 */
export async function readTokenKey(folder: string = projectFolder): Promise<JWK> {
  const file = path.join(folder, keyFile);
  const existing = await readFile(file, 'utf8').catch(() => undefined);
  if (existing !== undefined) return JSON.parse(existing) as JWK;
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const key: JWK = { ...(await exportJWK(privateKey)), kid: randomUUID(), alg: algorithm, use: 'sig' };
  await mkdir(folder, { recursive: true });
  // Linking a finished file is atomic and fails where another process was faster, so nobody reads half a key and
  // all read the same one.
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(key), { mode: 0o600 });
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft);
  }
  return JSON.parse(await readFile(file, 'utf8')) as JWK;
}

/** The public half, as the authorizer takes it. */
export function publicKeys(key: JWK): JSONWebKeySet {
  return { keys: [Object.fromEntries(publicMembers.map((name) => [name, key[name]]))] };
}

export interface TokenRequest {
  readonly tenant: string;
  readonly subject: string;
  /** Scopes separated by spaces. */
  readonly scope: string;
  /** Roles separated by spaces. */
  readonly roles?: string | undefined;
  /** A duration such as `12h`, `30 minutes` or `-1h`. */
  readonly expiresIn: string;
}

/** @returns a signed token that the local stack accepts until it expires. */
export async function signToken(request: TokenRequest, key: JWK): Promise<string> {
  const { tenant, scope, roles } = request;
  return await new SignJWT({ tenant, scope, ...(roles !== undefined && { roles }) })
    .setProtectedHeader({ alg: algorithm, typ: 'JWT', ...(key.kid !== undefined && { kid: key.kid }) })
    .setIssuer(localIssuer)
    .setAudience(localAudience)
    .setSubject(request.subject)
    .setIssuedAt()
    .setExpirationTime(request.expiresIn)
    .sign(await importJWK(key, algorithm));
}
