/** Postings sum to zero, balances are the sums of their postings, and no floor is broken (G6). */
import type { Report } from './checker.ts';
import type { Ledger } from './replay.ts';
import type { StoreImage } from './store-image.ts';

/** An account that is spread lies in several items, and holds their sum: `acme#balance#...`, `acme#balance.1#...` and so on. */
const itemOfAccount = /^([^#]+)#balance(?:\.[1-9]\d?)?#(.*)$/s;

export function checkMoney(ledgers: readonly Ledger[], { data }: StoreImage, report: Report): void {
  const posted = new Map<string, number>();
  const held = new Map<string, number>();
  const floors = new Map<string, number>();
  const name = (tenant: string, account: string): string => JSON.stringify([tenant, account]);
  for (const { tenant, id, domain, entries, item, floors: named } of ledgers) {
    for (const { seq, postings } of entries) {
      const sums = new Map<string, number>();
      for (const { account, unit, amount } of postings) {
        sums.set(unit, (sums.get(unit) ?? 0) + amount);
        posted.set(name(tenant, account), (posted.get(name(tenant, account)) ?? 0) + amount);
      }
      for (const [unit, sum] of sums) {
        if (sum !== 0) report('G6', `${id}: the postings of entry ${seq} sum to ${sum} ${unit}`, tenant);
      }
    }
    const balances = (item['balances'] ?? {}) as Record<string, number>;
    for (const [key, balance] of Object.entries(balances)) held.set(name(tenant, `${id}:${key}`), balance);
    for (const [key, { floor }] of Object.entries(domain.accounts ?? {})) {
      if (floor) floors.set(name(tenant, `${id}:${key}`), floor.minimum);
    }
    for (const [account, minimum] of named) floors.set(name(tenant, account), minimum);
  }
  for (const { pk, sk, account, balance } of data) {
    if (sk !== 'balance') continue;
    const [, of = '', kept] = itemOfAccount.exec(String(pk)) ?? [];
    const tenant = decodeURIComponent(of);
    const own = name(tenant, String(account));
    if (kept === account) held.set(own, (held.get(own) ?? 0) + Number(balance));
    else report('G6', `${String(pk)} keeps the balance of ${String(account)}`, tenant);
  }
  for (const account of new Set([...posted.keys(), ...held.keys()])) {
    const [tenant, named] = JSON.parse(account) as [string, string];
    const [balance, sum] = [held.get(account) ?? 0, posted.get(account) ?? 0];
    if (balance !== sum) report('G6', `${account} holds ${balance}, its postings sum to ${sum}`, tenant);
    // What payments have taken out of a payee's account they have put in: their rules say so, in the place of a floor.
    const floor = floors.get(account) ?? (named.startsWith('holding:') ? 0 : undefined);
    if (floor !== undefined && balance < floor)
      report('G6', `${account} holds ${balance}, below ${floor}`, tenant);
  }
  for (const { tenant, id, domain, attributes, item } of ledgers) {
    const granted = attributes.at(-1)?.['capacity'];
    const { remaining } = (item['balances'] ?? {}) as Record<string, number>;
    if (typeof granted !== 'number' || remaining === undefined || !domain.accounts) continue;
    if (remaining > granted) report('G6', `${id} has ${remaining} places left of ${granted}`, tenant);
  }
}
