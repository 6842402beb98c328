/** Every role that a domain or a test's own definition wants: what the tests' callers have unless told otherwise. */
export const everyRole = ['refunds', 'payouts', 'issuer', 'librarian', 'hr', 'manager'] as const;
