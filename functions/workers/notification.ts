/** Lambda `notification`: mails, over SMTP where one is set, otherwise through SES. */
import { readEnvironment } from '../runtime/environment.ts';
import { topicPolicies } from '../runtime/topics.ts';
import { topicHandler } from './handler-parts.ts';
import { createMailReceiver, createMailTransport } from './receivers/mail.ts';

const environment = readEnvironment(['MAIL_FROM'], ['SMTP_URL']);

export const handler = topicHandler(
  'notification',
  createMailReceiver({
    transport: createMailTransport(environment.SMTP_URL, topicPolicies.notification.callTimeoutMs),
    from: environment.MAIL_FROM,
  }),
);
