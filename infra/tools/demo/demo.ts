/** `npm run demo`: starts a stack of its own, tells every domain's story over HTTP, and stops. Exit 0 if all held. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { domains } from '../../../functions/application.ts';
import { rolesOf } from '../../../functions/core/registry.ts';
import { startBackend } from '../../local/backend.ts';
import { readTokenKey, signToken } from '../../local/token-key.ts';
import { createCaller } from './caller.ts';
import type { Caller } from './caller.ts';
import { startProvider } from './receiver.ts';
import * as stories from './stories.ts';
import { heading, line } from './timeline.ts';

async function callerFor(url: string, subject: string): Promise<Caller> {
  const roles = rolesOf(domains).join(' ');
  const request = { tenant: 'acme', subject, scope: 'commands ops', roles, expiresIn: '1h' };
  return createCaller(url, await signToken(request, await readTokenKey()), subject);
}

async function tellAll(stage: stories.Stage): Promise<void> {
  // The provider's five attempts take their time, so the other stories are told meanwhile.
  const ending = await stories.paymentWithReceiverDown(stage);
  await stories.lastSeat(stage);
  await stories.settlement(stage);
  await stories.checkout(stage);
  await stories.approval(stage);
  await stories.points(stage);
  await stories.invite(stage);
  await stories.article(stage);
  await ending();
  await stories.audit(stage);
}

async function demo(): Promise<void> {
  heading('Starting the stack of the CDK app on this machine');
  const provider = await startProvider();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'commit-once-demo-'));
  const backend = await startBackend({
    variables: {
      ...process.env,
      DATA_DIR: folder,
      EXTERNAL_CALL_URL: provider.url,
      WEBHOOK_SECRET: provider.secret,
    },
    port: 0,
    // The functions' own log would hide the story; `npm start` shows it.
    log: () => undefined,
  });
  try {
    const url = backend.stack.url ?? '';
    provider.callBackAt(url);
    line(`serving at ${url}`);
    const [alice, bob] = await Promise.all([callerFor(url, 'alice'), callerFor(url, 'bob')]);
    await tellAll({ alice, bob, provider, mailFolder: path.join(folder, 'mails') });
    heading('All stories held.');
  } finally {
    await backend.stop();
    await provider.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

try {
  await demo();
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
