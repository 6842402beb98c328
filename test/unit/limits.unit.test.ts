import { describe, expect, it } from 'vitest';
import * as limits from '../../functions/runtime/limits.ts';
import { itemBalanceMax } from '../../functions/core/spread-accounts.ts';
import { batch, database } from '../../functions/runtime/delivery-limits.ts';
import { balanceKey, entryKey, listPartitionOf, partitionKeyMaxBytes } from '../../functions/store/keys.ts';
import { messageId, messageItem } from '../../functions/store/outbox/message-items.ts';

const bytes = (text: string): number => Buffer.byteLength(text);
/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const sortKeyMaxBytes = 1_024;
const itemMaxBytes = 400 * 1024;
/** Takes nine bytes for each UTF-16 unit once it is percent-encoded; nothing takes more. */
const longestTenant = '界'.repeat(limits.tenant.maxCharacters);
const entityId = `stlxx_${'0'.repeat(26)}`;

describe('the limits', () => {
  it('answer a request before its function times out, and leave time for it', () => {
    const { deadlineMs, deadlineReserveMs } = limits.request;
    expect(deadlineReserveMs).toBeLessThan(deadlineMs);
    expect(deadlineMs).toBeLessThan(limits.apiFunction.timeoutSeconds * 1000);
    expect(database.requestTimeoutMs).toBeLessThan(deadlineMs - deadlineReserveMs);
  });

  it('leave a waiting command several tries within the deadline', () => {
    const { windowBaseMs, windowMaxMs } = limits.contention;
    expect(windowBaseMs).toBeLessThan(windowMaxMs);
    const budgetMs = limits.request.deadlineMs - limits.request.deadlineReserveMs;
    expect(windowMaxMs * 5).toBeLessThanOrEqual(budgetMs);
  });

  it('keep a key for as long as the contract says', () => {
    expect(limits.idempotency.retentionSeconds).toBeGreaterThanOrEqual(24 * 60 * 60);
  });

  it('keep the cache of answers within the memory of the function', () => {
    const { localCacheEntries } = limits.idempotency;
    const worstMb = (localCacheEntries * limits.request.bodyMaxBytes * 2) / 1024 / 1024;
    expect(worstMb).toBeLessThan(limits.apiFunction.memoryMb / 8);
  });

  it('let the largest body into an item with room for its own attributes', () => {
    expect(limits.request.bodyMaxBytes * 2).toBeLessThan(itemMaxBytes);
    // Four bytes a character is the most UTF-8 takes, six as an escape in JSON.
    expect(limits.field.longTextMaxCharacters * 4).toBeLessThan(itemMaxBytes / 2);
  });

  it('let everybody act whom a token or an approval may name', () => {
    // https://openid.net/specs/openid-connect-core-1_0.html#IDToken
    expect(limits.subject.maxCharacters).toBeGreaterThanOrEqual(255);
    expect(limits.subject.maxCharacters).toBeGreaterThanOrEqual(limits.field.textMaxCharacters);
  });

  it('let one request read a balance that is spread', () => {
    expect(limits.account.spreadMax).toBe(batch.keysMax);
  });

  it('keep sums exact', () => {
    expect(limits.balanceMax).toBe(2 ** 53 - 1);
    for (const items of [1, limits.account.spreadMin, 32, limits.account.spreadMax])
      expect(itemBalanceMax(items) * items).toBeLessThanOrEqual(limits.balanceMax);
    expect(itemBalanceMax(limits.account.spreadMax)).toBeGreaterThan(limits.field.amountMax);
    // A list of amounts adds up without rounding.
    expect(limits.field.amountMax * limits.field.listMaxEntries).toBeLessThan(limits.balanceMax);
  });

  it('keep every key of the longest tenant within what DynamoDB takes', () => {
    const longestParty = '😀'.repeat(limits.field.textMaxCharacters);
    const { pk } = balanceKey(longestTenant, `payable:${longestParty}:EUR`, limits.account.spreadMax - 1);
    expect(bytes(pk)).toBeLessThanOrEqual(partitionKeyMaxBytes);
    const longest = { id: entityId, collection: 'x'.repeat(50), status: 'x'.repeat(50) };
    expect(bytes(listPartitionOf(longestTenant, longest))).toBeLessThanOrEqual(partitionKeyMaxBytes);
    expect(bytes(entryKey(longestTenant, entityId, 1).pk)).toBeLessThanOrEqual(partitionKeyMaxBytes);
    const message = messageItem({
      tenant: longestTenant,
      entityId,
      collection: 'x',
      seq: 9_999_999_999,
      n: 99,
      type: 'x',
      topic: 'report',
      payload: {},
      createdAt: new Date().toISOString(),
    });
    expect(message.id).toBe(messageId(entityId, 9_999_999_999, 99));
    expect(bytes(message.stateSk)).toBeLessThanOrEqual(sortKeyMaxBytes);
    expect(bytes(message.pk)).toBeLessThanOrEqual(partitionKeyMaxBytes);
  });
});
