/** `npm run -s token -- --tenant acme --subject alice --scope "commands ops" --roles "refunds"` prints a local token. */
import { runCommand, UsageError } from './command-line.ts';
import { readTokenKey, signToken } from './token-key.ts';

await runCommand({
  usage:
    'usage: npm run -s token -- --tenant <tenant> --subject <subject> --scope "commands ops" ' +
    '[--roles "refunds payouts issuer"] [--expires-in 12h]',
  flags: {
    tenant: { type: 'string', default: '' },
    subject: { type: 'string', default: '' },
    scope: { type: 'string' },
    roles: { type: 'string' },
    'expires-in': { type: 'string', default: '12h' },
  },
  run: async ({ tenant, subject, scope, roles, 'expires-in': expiresIn }) => {
    if (tenant === '' || subject === '' || scope === undefined) throw new UsageError('');
    const request = { tenant, subject, scope, roles, expiresIn };
    try {
      process.stdout.write(`${await signToken(request, await readTokenKey())}\n`);
      return 0;
    } catch (error) {
      // What is left to go wrong is a duration nobody can read, or a folder nobody may write to.
      process.stderr.write(`no token: ${error instanceof Error ? error.message : String(error)}\n`);
      return 2;
    }
  },
});
