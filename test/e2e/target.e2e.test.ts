/** `BASE_URL=... TOKEN=... npm run test:e2e` tests what stands at that URL, and not a backend of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startReceiver, status } from '../support/receivers.ts';
import { expect, test } from 'vitest';
import { root, withoutOwn } from '../support/started-backend.ts';

test('the given URL is the one under test', async () => {
  const receiver = await startReceiver();
  receiver.answer = status(418);
  const child = spawn('npm', ['run', '-s', 'test:e2e'], {
    cwd: root,
    env: { ...withoutOwn(process.env), BASE_URL: new URL(receiver.url).origin, TOKEN: 'of-the-test' },
    stdio: 'ignore',
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  await receiver.stop();
  expect(code).toBe(1);
  expect(receiver.calls.map(({ headers }) => headers.authorization)).toContain('Bearer of-the-test');
});
