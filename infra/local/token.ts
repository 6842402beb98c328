/** `npm run -s token -- --tenant acme --subject alice --scope "commands ops" --roles "refunds"` prints a local token. */
import { parseArgs } from 'node:util';
import { readTokenKey, signToken, type TokenRequest } from './token-key.ts';

const usage =
  'usage: npm run -s token -- --tenant <tenant> --subject <subject> --scope "commands ops" ' +
  '[--roles "refunds payouts issuer"] [--expires-in 12h]';

function readArguments(): TokenRequest | undefined {
  try {
    const { values } = parseArgs({
      options: {
        tenant: { type: 'string' },
        subject: { type: 'string' },
        scope: { type: 'string' },
        roles: { type: 'string' },
        'expires-in': { type: 'string', default: '12h' },
      },
    });
    const { tenant, subject, scope, roles, 'expires-in': expiresIn } = values;
    if (tenant === undefined || subject === undefined || scope === undefined) return undefined;
    if (tenant === '' || subject === '') return undefined;
    return { tenant, subject, scope, roles, expiresIn };
  } catch {
    return undefined;
  }
}

const request = readArguments();
if (request === undefined) {
  process.stderr.write(`${usage}\n`);
  process.exitCode = 2;
} else {
  try {
    process.stdout.write(`${await signToken(request, await readTokenKey())}\n`);
  } catch (error) {
    // What is left to go wrong is a duration nobody can read, or a folder nobody may write to.
    process.stderr.write(`no token: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}
