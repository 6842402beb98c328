/** Receivers that a test tells how to behave: an HTTP server and an SMTP server on free ports of this machine. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { simpleParser } from 'mailparser';
import type { ParsedMail } from 'mailparser';
import { SMTPServer } from 'smtp-server';

export interface SeenCall {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Answer = (response: ServerResponse, call: SeenCall) => void;

export interface TestReceiver {
  readonly url: string;
  readonly calls: readonly SeenCall[];
  /** What it does from now on. */
  answer: Answer;
  stop(): Promise<void>;
}

export const status =
  (code: number, body = '', headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(code, headers).end(body);
  };

export async function startReceiver(): Promise<TestReceiver> {
  const calls: SeenCall[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const { method = '', url: path = '', headers } = request;
      const call = { method, path, headers, body };
      calls.push(call);
      receiver.answer(response, call);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver: TestReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    calls,
    answer: status(200, 'received'),
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return receiver;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

export interface TestMailServer {
  readonly url: string;
  readonly mails: readonly { readonly mail: ParsedMail; readonly to: readonly string[] }[];
  /** The reply to the next recipients; 0 accepts. */
  refuse: number;
  stop(): Promise<void>;
}

export async function startMailServer(): Promise<TestMailServer> {
  const mails: { mail: ParsedMail; to: string[] }[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onRcptTo: (_address, _session, callback) => {
      if (mailServer.refuse === 0) callback();
      else callback(Object.assign(new Error('refused by the test'), { responseCode: mailServer.refuse }));
    },
    onData: (stream, session, callback) => {
      simpleParser(stream).then(
        (mail) => {
          mails.push({ mail, to: session.envelope.rcptTo.map(({ address }) => address) });
          callback();
        },
        (error: unknown) => {
          callback(error as Error);
        },
      );
    },
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const mailServer: TestMailServer = {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    mails,
    refuse: 0,
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve);
      }),
  };
  return mailServer;
}
