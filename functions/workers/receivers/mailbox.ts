/** From what a message says to whom it goes, to the address of a mailbox. Pure. */
import addressparser from 'nodemailer/lib/addressparser';

/** Printable ASCII of RFC 5322 atext without `=`, which begins an escape here. */
const plain = /^[A-Za-z0-9!#$%&'*+/?^_`{|}~-]$/;

/** One mailbox, and nothing that a mailer could read as a second one. */
const address = /^[^\s@<>(),;:"\\[\]\p{Cc}]+@[^\s@<>(),;:"\\[\]\p{Cc}]+$/u;

/**
 * @param to an address, or a name: that is a mailbox at the sender's own domain. Characters a local part cannot
 *   hold are written as `=XX`, byte by byte of their UTF-8, so that different names are different mailboxes.
 * @returns `undefined` where it has an `@` and is no address
 */
export function mailboxOf(to: string, senderDomain: string): string | undefined {
  if (to.includes('@')) return address.test(to) ? to : undefined;
  const localPart = [...Buffer.from(to)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return plain.test(character) ? character : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
  return `${localPart}@${senderDomain}`;
}

/**
 * @param from `MAIL_FROM`: `address@domain` or `Name <address@domain>`
 * @throws where it holds no address
 */
export function senderDomainOf(from: string): string {
  const [sender] = addressparser(from, { flatten: true });
  const domain = sender?.address.split('@').at(1);
  if (domain === undefined || domain === '') throw new Error('MAIL_FROM holds no address.');
  return domain;
}
