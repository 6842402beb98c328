/** Receiver of `notification`: a mail, through SMTP or SES. */
import { SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { createTransport } from 'nodemailer';
import type { Transporter } from 'nodemailer';
import { notificationPayload, readPayload } from '../payloads.ts';
import { permanent, retry } from '../receiver.ts';
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
 * `Message-ID`, by which mail systems drop a second copy, and as `Idempotency-Key`.
 */
export function createMailReceiver({ transport, from }: MailParts): Receiver {
  const domain = senderDomainOf(from);
  return async (message, signal) => {
    const payload = readPayload(notificationPayload, message);
    if (payload === undefined) return permanent('unreadable_message', 'The payload is not one of a mail.');
    const to = mailboxOf(payload.to, domain);
    if (to === undefined) return permanent('invalid_recipient', 'The recipient is not one mail address.');
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
      return { is: 'done', result: { messageId: sent.messageId, response: sent.response } };
    } catch (error) {
      return mailFailure(error);
    }
  };
}

/** What SES will not take however often it is asked. */
const refusedBySes = new Set(['MessageRejected', 'BadRequestException', 'NotFoundException']);

/**
 * A reply of 5xx to the envelope or the message is final (RFC 5321, 4.2.1), as is an address that the client
 * itself refuses. Everything else may pass: a server that is away, full or in trouble with our credentials.
 */
function mailFailure(error: unknown): Received {
  const { code, name, response, responseCode } = error as {
    readonly code?: string;
    readonly name?: string;
    readonly response?: string;
    readonly responseCode?: number;
  };
  if (name !== undefined && refusedBySes.has(name)) return permanent(name, 'SES refused the mail.');
  const ofThisMail = code === 'EENVELOPE' || code === 'EMESSAGE';
  const final = ofThisMail && (responseCode === undefined ? response === undefined : responseCode >= 500);
  const failure = {
    code: String(responseCode ?? code ?? name ?? 'mail_failed'),
    reason: final ? 'The mail was refused.' : 'The mail could not be handed over.',
    ...(typeof response === 'string' && { answer: response }),
  };
  return final
    ? { is: 'permanent', ...failure }
    : { ...retry(failure.code, failure.reason), ...failure, is: 'retry' };
}

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
