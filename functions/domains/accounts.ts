/** The named accounts that money moves between, so that payments and settlements speak of the same ones. */
import { named } from '../core/postings.ts';
import type { NamedAccount } from '../core/postings.ts';

interface Paid {
  readonly payer: string;
  readonly payee: string;
  readonly currency: string;
}

/** Where a payer's money comes from: it stands below zero by what was paid. */
export const payerOf = ({ payer, currency }: Pick<Paid, 'payer' | 'currency'>): NamedAccount =>
  named('payer', payer, currency);

/** What orders of a showing have brought in. */
export const takingsOf = ({
  showingId,
  currency,
}: {
  readonly showingId: string;
  readonly currency: string;
}): NamedAccount => named('takings', showingId, currency);

/**
 * What a payee is owed and has not been settled. Each payment takes out what it has put in, and no more: its own rules say
 * so. So the account needs no floor, and many may pay one payee at once (`spread`).
 */
export const holdingOf = ({ payee, currency }: Pick<Paid, 'payee' | 'currency'>): NamedAccount =>
  named('holding', payee, currency);

/** What was settled and waits for the bank transfer. */
export const payableOf = ({ payee, currency }: Pick<Paid, 'payee' | 'currency'>): NamedAccount =>
  named('payable', payee, currency);

/** What the bank paid out. */
export const bankOf = ({ payee, currency }: Pick<Paid, 'payee' | 'currency'>): NamedAccount =>
  named('bank', payee, currency);
