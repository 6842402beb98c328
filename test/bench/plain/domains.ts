/** The domains of this project that the benchmark uses, each reduced to what the stock pattern does. */
import { plainPayments } from './payments.ts';
import { plainReservations, plainShowings } from './showings.ts';

export const plainDomains = [plainPayments, plainShowings, plainReservations];
