import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import type { Log } from '../log.ts';
import { listen } from '../ports.ts';
import type { Receiver } from './http-receiver.ts';

/** Receives mail by SMTP, keeps each as an `.eml` file in the folder and lists it in the log. */
export async function startMailReceiver(folder: string, log: Log): Promise<Receiver> {
  await mkdir(folder, { recursive: true });
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    disableReverseLookup: true,
    logger: false,
    // A stop does not wait for clients that keep their connection open.
    closeTimeout: 500,
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        keep(folder, Buffer.concat(chunks), log).then(
          () => {
            callback();
          },
          (error: unknown) => {
            log('mails', `${session.id} was not kept: ${String(error)}`);
            callback(new Error('the mail could not be kept'));
          },
        );
      });
    },
  });
  // A client that goes away in the middle is its own matter.
  server.on('error', (error) => {
    log('mails', String(error));
  });
  const port = await listen(server.server, 0);
  return {
    url: `smtp://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      }),
  };
}

async function keep(folder: string, mail: Buffer, log: Log): Promise<void> {
  const file = path.join(folder, `${new Date().toISOString().replaceAll(':', '-')}-${randomUUID()}.eml`);
  await writeFile(file, mail);
  const { to, subject } = await simpleParser(mail);
  const recipients = [to ?? []].flat().map((list) => list.text);
  log('mails', `to ${recipients.join(', ')}: ${subject ?? ''} (${file})`);
}
