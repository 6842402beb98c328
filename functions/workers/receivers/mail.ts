/** Receiver of `notification`: a mail, through SMTP or SES. */
import { SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { createTransport } from 'nodemailer';
import type { Transporter } from 'nodemailer';
import { notificationPayload, readPayload } from '../payloads.ts';
import { refused, undeliverable } from '../receiver.ts';
import type { Received, Receiver } from '../receiver.ts';
import { mailboxOf, senderDomainOf } from './mailbox.ts';

export type MailTransport = Transporter<{ readonly messageId?: string; readonly response?: string }>;

export interface MailParts {
  readonly transport: MailTransport;
  /** `address@domain` or `Name <address@domain>` */
  readonly from: string;
}

/**
 * Sends one mail a message. SMTP knows no idempotency keys, so the mail carries the message's id twice: as
 * `Message-ID`, by which mail systems drop a second copy, and as `Idempotency-Key`. SES puts a `Message-ID` of its own in the
 * place of the first: https://docs.aws.amazon.com/ses/latest/dg/header-fields.html
 */
export function createMailReceiver({ transport, from }: MailParts): Receiver {
  const domain = senderDomainOf(from);
  return async (message, { signal }) => {
    const payload = readPayload(notificationPayload, message);
    if (payload === undefined)
      return undeliverable('unreadable_message', 'The payload is not one of a mail.');
    const to = mailboxOf(payload.to, domain);
    // No server would take it: it is refused, as if the server had said so.
    if (to === undefined) return refused('invalid_recipient', 'The recipient is not one mail address.');
    try {
      const sent = await transport.sendMail({
        from,
        // As an object, so that it is taken as one address and not parsed as a list.
        to: { name: '', address: to },
        subject: payload.subject,
        text: payload.text,
        messageId: `<${message.id}@${domain}>`,
        date: new Date(message.createdAt),
        headers: { 'Idempotency-Key': message.id },
        disableFileAccess: true,
        disableUrlAccess: true,
        signal,
      });
      return { kind: 'done', result: { messageId: sent.messageId, response: sent.response } };
    } catch (error) {
      return mailFailure(error);
    }
  };
}

/** What SES will not take however often it is asked. */
const refusedBySes = new Set(['MessageRejected', 'BadRequestException', 'NotFoundException']);

/**
 * What a failed mail means, line by line:
 *
 * | failure                                            | means          | because                                    |
 * | -------------------------------------------------- | -------------- | ------------------------------------------ |
 * | 5xx to the envelope or the message                 | refused        | it is final (RFC 5321, 4.2.1)              |
 * | an address that the client itself refuses          | refused        | no server would take it either             |
 * | 4xx                                                | did not act    | the server says that it has not taken it   |
 * | before the message itself was sent                 | did not act    | a server has nothing to send on yet        |
 * | SES: throttled, or sending is paused               | did not act    | SES says that it has not taken it          |
 * | anything else: cut off, timed out, SES fails       | may have acted | the mail may be on its way                 |
 */
function mailFailure(error: unknown): Received {
  const { code, name, response, responseCode, command, syscall } = error as {
    readonly code?: string;
    readonly name: string;
    readonly response?: string;
    readonly responseCode?: number;
    readonly command?: string;
    readonly syscall?: string;
  };
  if (refusedBySes.has(name)) return refused(name, 'SES refused the mail.');
  const ofThisMail = code === 'EENVELOPE' || code === 'EMESSAGE';
  const isFinal = ofThisMail && (responseCode === undefined ? response === undefined : responseCode >= 500);
  const failure = {
    // nodemailer names every failure of SES alike; its own name tells which it is.
    code: String(responseCode ?? (code === 'ESES' ? name : (code ?? name))),
    reason: isFinal ? 'The mail was refused.' : 'The mail could not be handed over.',
    ...(typeof response === 'string' && { answer: response }),
  };
  if (isFinal) return { kind: 'refused', ...failure };
  const isTurnedAway = responseCode !== undefined || turnedAwayBySes.has(name);
  const isBefore =
    beforeTheMessage.has(command ?? '') ||
    syscall === 'connect' ||
    syscall === 'getaddrinfo' ||
    code === 'EDNS';
  return { kind: isTurnedAway || isBefore ? 'did_not_act' : 'may_have_acted', ...failure };
}

/**
 * Steps of SMTP, as nodemailer names them, in which no message has been sent. `CONN` is none of them: nodemailer names
 * it for whatever becomes of the connection, at any step.
 */
const beforeTheMessage = new Set(['EHLO', 'HELO', 'LHLO', 'STARTTLS', 'MAIL FROM', 'RCPT TO']);

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors */
const turnedAwayBySes = new Set([
  'TooManyRequestsException',
  'LimitExceededException',
  'SendingPausedException',
  'AccountSuspendedException',
  'MailFromDomainNotVerifiedException',
]);

/**
 * @param smtpUrl where mail goes over SMTP; without it, through SES
 * @param timeoutMs of one call, so that no connection outlives it for long
 */
export function createMailTransport(smtpUrl: string | undefined, timeoutMs: number): MailTransport {
  if (smtpUrl === undefined) {
    return createTransport({ SES: { sesClient: new SESv2Client({ maxAttempts: 1 }), SendEmailCommand } });
  }
  return createTransport({
    url: smtpUrl,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
  });
}
