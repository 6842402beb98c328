/** What the receiver of mails makes of what it is answered: without a worker. */
import { createTransport } from 'nodemailer';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import type { Received } from '../../functions/workers/receiver.ts';
import { createMailReceiver, createMailTransport } from '../../functions/workers/receivers/mail.ts';
import type { MailTransport } from '../../functions/workers/receivers/mail.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { madeMessage } from '../support/messages.ts';
import { startMailServer, startReceiver, status } from '../support/receivers.ts';
import type { TestMailServer, TestReceiver } from '../support/receivers.ts';

const now = Date.parse('2026-11-26T12:00:00.000Z');

describe('a mail', () => {
  let server: TestMailServer;
  beforeEach(async () => {
    server = await startMailServer();
  });
  afterEach(() => server.stop());
  const sent = (
    message: MessageItem,
    transport: MailTransport = createMailTransport(server.url, 5_000),
  ): Promise<Received> =>
    createMailReceiver({ transport, from: 'Commit Once <noreply@example.com>' })(message, {
      signal: new AbortController().signal,
      isSent: true,
    });
  const mail = (to: string): MessageItem =>
    madeMessage(now, {
      topic: 'notification',
      payload: { to, subject: 'Grüße\r\nBcc: eve@example.com', text: 'Hello' },
    });

  test('arrives once, with the message’s id in it, and its id is kept', async () => {
    const message = mail('bob@elsewhere.example');
    const received = await sent(message);
    expect(received).toMatchObject({ kind: 'done', result: { messageId: `<${message.id}@example.com>` } });
    expect(server.mails).toHaveLength(1);
    const [{ to, mail: arrived } = {}] = server.mails;
    expect(to).toEqual(['bob@elsewhere.example']);
    expect(arrived?.to).toMatchObject({ value: [{ name: '', address: 'bob@elsewhere.example' }] });
    expect(arrived?.messageId).toBe(`<${message.id}@example.com>`);
    expect(arrived?.headers.get('idempotency-key')).toBe(message.id);
    expect(arrived?.text?.trim()).toBe('Hello');
    expect(arrived?.from?.value[0]?.address).toBe('noreply@example.com');
    expect(arrived?.date?.toISOString()).toBe(message.createdAt);
  });

  test('to a name goes to its mailbox at the sender’s domain', async () => {
    await sent(mail('alice b'));
    expect(server.mails[0]?.to).toEqual(['alice=20b@example.com']);
  });

  test.each(['a@b.example, c@d.example', 'Eve <eve@elsewhere.example>', '@'])(
    'to %j goes nowhere',
    async (to) => {
      expect(await sent(mail(to))).toEqual({
        ...{ kind: 'refused', code: 'invalid_recipient' },
        reason: 'The recipient is not one mail address.',
      });
      expect(server.mails).toEqual([]);
    },
  );

  test.each([
    [550, 'refused'],
    [450, 'did_not_act'],
    [421, 'did_not_act'],
  ])('whose recipient is answered %i: %s', async (reply, kind) => {
    server.refuse = reply;
    const received = await sent(mail('bob@elsewhere.example'));
    expect(received).toMatchObject({ kind, code: String(reply) });
    expect('answer' in received && received.answer).toContain('refused by the test');
  });

  test('to a server that is away did not act', async () => {
    await server.stop();
    expect(await sent(mail('bob@elsewhere.example'))).toMatchObject({ kind: 'did_not_act' });
    server = await startMailServer();
  });

  test('whose payload cannot be read is never sent', async () => {
    expect(await sent(madeMessage(now, { payload: { to: 'bob@elsewhere.example' } }))).toEqual({
      ...{ kind: 'undeliverable', code: 'unreadable_message' },
      reason: 'The payload is not one of a mail.',
    });
  });

  describe('where no server is named', () => {
    let ses: TestReceiver;
    const variables = {
      ...{ AWS_REGION: localRegion, AWS_ACCESS_KEY_ID: localCredentials.accessKeyId },
      AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
    };
    beforeAll(async () => {
      ses = await startReceiver();
      for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
      vi.stubEnv('AWS_ENDPOINT_URL_SESV2', new URL(ses.url).origin);
    });
    afterAll(async () => {
      vi.unstubAllEnvs();
      await ses.stop();
    });

    test.each([
      [500, 'may_have_acted'],
      [400, 'refused'],
    ])('goes to SES, which is asked once, also where it answers %i', async (code, kind) => {
      const type = code === 500 ? 'InternalServerError' : 'BadRequestException';
      ses.answer = status(code, '{}', { 'x-amzn-errortype': type, 'content-type': 'application/json' });
      const before = ses.calls.length;
      const received = await sent(mail('bob@elsewhere.example'), createMailTransport(undefined, 1));
      expect(received).toMatchObject({ kind, code: type });
      expect(ses.calls).toHaveLength(before + 1);
      expect(ses.calls.at(-1)?.path).toBe('/v2/email/outbound-emails');
    });
  });

  const answered = (responseCode: number, code = 'EENVELOPE') => ({
    ...{ code, responseCode, response: `${responseCode} by the server` },
  });
  test.each([
    [answered(500), 'refused', '500'],
    [answered(499), 'did_not_act', '499'],
    [answered(554, 'EMESSAGE'), 'refused', '554'],
    [answered(452, 'EMESSAGE'), 'did_not_act', '452'],
    // Of the sender, not of this mail.
    [answered(535, 'EAUTH'), 'did_not_act', '535'],
    [{ code: 'EENVELOPE' }, 'refused', 'EENVELOPE'],
    [{ code: 'EMESSAGE' }, 'refused', 'EMESSAGE'],
    [{ code: 'EENVELOPE', response: 'garbage' }, 'may_have_acted', 'EENVELOPE'],
    [{ code: 'EENVELOPE', response: 'garbage', command: 'RCPT TO' }, 'did_not_act', 'EENVELOPE'],
    [{ code: 'ESOCKET', syscall: 'connect' }, 'did_not_act', 'ESOCKET'],
    [{ code: 'ESOCKET', syscall: 'getaddrinfo' }, 'did_not_act', 'ESOCKET'],
    [{ code: 'EDNS' }, 'did_not_act', 'EDNS'],
    ...['EHLO', 'HELO', 'LHLO', 'STARTTLS', 'MAIL FROM', 'RCPT TO'].map(
      (command) => [{ code: 'ECONNECTION', command }, 'did_not_act', 'ECONNECTION'] as const,
    ),
    // A connection that ends may have carried the mail before.
    [{ code: 'ETIMEDOUT', command: 'CONN' }, 'may_have_acted', 'ETIMEDOUT'],
    [{ code: 'ESOCKET', syscall: 'read' }, 'may_have_acted', 'ESOCKET'],
    [{ code: 'ECONNECTION', command: 'DATA' }, 'may_have_acted', 'ECONNECTION'],
    [{}, 'may_have_acted', 'Error'],
    ...['MessageRejected', 'BadRequestException', 'NotFoundException'].map(
      (name) => [{ name }, 'refused', name] as const,
    ),
    ...[
      'TooManyRequestsException',
      'LimitExceededException',
      'SendingPausedException',
      'AccountSuspendedException',
      'MailFromDomainNotVerifiedException',
    ].map((name) => [{ name }, 'did_not_act', name] as const),
    [{ name: 'InternalServerError' }, 'may_have_acted', 'InternalServerError'],
  ] as const)('that fails with %j: %s %s', async (error, kind, code) => {
    const transport: MailTransport = createTransport({
      ...{ name: 'failing', version: '1' },
      send: (_mail, callback) => {
        callback(Object.assign(new Error('it failed'), error), {});
      },
    });
    const { response } = error as { readonly response?: string };
    const reasons = {
      ...{ refused: 'The mail was refused.', did_not_act: 'The mail could not be handed over.' },
      may_have_acted: 'The mail could not be handed over.',
    };
    const isOfSes = kind === 'refused' && 'name' in error;
    expect(await sent(mail('bob@elsewhere.example'), transport)).toStrictEqual({
      ...{ kind, code, reason: isOfSes ? 'SES refused the mail.' : reasons[kind] },
      ...(response !== undefined && { answer: response }),
    });
  });
});
