import { describe, expect, test } from 'vitest';
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

test('a name that resolves to this machine is not connected to', async () => {
  const error = await new Promise((resolve) => {
    publicLookup('localhost', { all: true }, resolve);
  });
  expect(error).toBeInstanceOf(AddressNotAllowed);
});
