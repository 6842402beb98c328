/** The named accounts that money moves between, so that payments and settlements speak of the same ones. */
import { named } from '../core/postings.ts';

interface Payer {
  readonly payer: string;
  readonly currency: string;
}
interface Payee {
  readonly payee: string;
  readonly currency: string;
}
interface Show {
  readonly showingId: string;
  readonly currency: string;
}

/** Where a payer's money comes from: it stands below zero by what was paid. */
export const payerOf = ({ payer, currency }: Payer) => named('payer', payer, currency);

/** What orders of a showing have brought in. */
export const takingsOf = ({ showingId, currency }: Show) => named('takings', showingId, currency);

/**
 * What a payee is owed and has not been settled. Each payment takes out what it has put in, and no more: its own rules say
 * so. So the account needs no floor, and many may pay one payee at once (`spread`).
 */
export const holdingOf = ({ payee, currency }: Payee) => named('holding', payee, currency);

/** What was settled and waits for the bank transfer. */
export const payableOf = ({ payee, currency }: Payee) => named('payable', payee, currency);

/** What the bank paid out. */
export const bankOf = ({ payee, currency }: Payee) => named('bank', payee, currency);
