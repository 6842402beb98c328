import dns from 'node:dns';
import type { LookupOptions } from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { isIP } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import {
  AddressNotAllowed,
  isAllowedTarget,
  isPublicAddress,
  publicLookup,
} from '../../functions/workers/receivers/outbound-address.ts';

describe('an address that may be called from AWS', () => {
  test.each([
    ['93.184.216.34', true],
    ['2606:2800:220:1:248:1893:25c8:1946', true],
    ['127.0.0.1', false],
    ['10.0.0.8', false],
    ['172.16.0.1', false],
    ['192.168.1.1', false],
    ['169.254.169.254', false],
    ['169.254.170.2', false],
    ['100.64.0.1', false],
    ['0.0.0.0', false],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
    ['::1', false],
    ['::', false],
    ['fd00:ec2::254', false],
    ['fe80::1', false],
    ['::ffff:127.0.0.1', false],
    ['::ffff:169.254.169.254', false],
    ['64:ff9b::a9fe:a9fe', false],
    ['2002:7f00:1::', false],
    ['nonsense', false],
  ])('%s: %s', (address, allowed) => {
    expect(isPublicAddress(address)).toBe(allowed);
  });
});

describe('a target', () => {
  test.each([
    ['https://receiver.example/hook', true],
    ['https://93.184.216.34/', true],
    ['http://receiver.example/hook', false],
    ['https://user@receiver.example/', false],
    ['https://127.0.0.1/', false],
    ['https://2130706433/', false],
    ['https://0x7f.1/', false],
    ['https://[::1]/', false],
    ['https://[fe80::1]/', false],
  ])('%s: %s', (url, allowed) => {
    expect(isAllowedTarget(new URL(url))).toBe(allowed);
  });
});

describe('a name', () => {
  const { lookup } = dns;
  afterEach(() => {
    resolvesBy(lookup);
  });
  /** Puts a resolver in the place of the machine's, which this test has no network for. */
  function resolvesBy(resolver: unknown): void {
    Object.assign(dns, { lookup: resolver });
    syncBuiltinESMExports();
  }
  const asked: unknown[] = [];
  const resolvesTo = (...addresses: readonly string[]): void => {
    resolvesBy((_name: string, options: object, callback: (error: null, found: object[]) => void) => {
      asked.push(options);
      callback(
        null,
        addresses.map((address) => ({ address, family: isIP(address) })),
      );
    });
  };
  const lookedUp = (options: LookupOptions, name = 'receiver.example'): Promise<unknown[]> =>
    new Promise((resolve) => {
      publicLookup(name, options, (...answer) => {
        resolve(answer);
      });
    });
  const refused = [expect.any(AddressNotAllowed), []];

  test('that resolves to public addresses is connected to there', async () => {
    resolvesTo('93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946');
    expect(await lookedUp({ all: true })).toEqual([
      null,
      [
        { address: '93.184.216.34', family: 4 },
        { address: '2606:2800:220:1:248:1893:25c8:1946', family: 6 },
      ],
    ]);
    expect(await lookedUp({ family: 4 })).toEqual([null, '93.184.216.34', 4]);
    // All of them are looked at, also where one is asked for.
    expect(asked.at(-1)).toEqual({ family: 4, all: true });
  });

  test('that resolves to this machine, to nothing, or also to a private address is not connected to', async () => {
    expect(await lookedUp({ all: true }, 'localhost')).toEqual(refused);
    resolvesTo();
    expect(await lookedUp({ all: true })).toEqual(refused);
    resolvesTo('93.184.216.34', '10.0.0.8');
    for (const all of [true, false]) expect(await lookedUp({ all })).toEqual(refused);
  });

  test('that does not resolve says so', async () => {
    const error = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
    resolvesBy((_name: string, _options: object, callback: (failure: Error, found?: []) => void) => {
      callback(error);
    });
    expect(await lookedUp({ all: true })).toEqual([error, []]);
  });
});
