/**
 * Guard of calls to the outside against server-side request forgery: on AWS a call goes to public addresses over
 * HTTPS and nowhere else, whatever a name resolves to at that moment.
 */
import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

export class AddressNotAllowed extends Error {
  override readonly name = 'AddressNotAllowed';
}

/** Public unicast, IPv4 inside IPv6 included: not loopback, private, link-local (metadata!), shared or reserved. */
export const isPublicAddress = (address: string): boolean =>
  ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast';

/** Checks what the configuration says; a name is checked again when it is resolved. */
export function isAllowedTarget(url: URL): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return url.protocol === 'https:' && url.username === '' && (!ipaddr.isValid(host) || isPublicAddress(host));
}

/**
 * Resolves a name for the connection itself, so that no second resolution can lead elsewhere.
 * Fails with {@link AddressNotAllowed} where any of its addresses is not public.
 */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) {
      callback(error, []);
      return;
    }
    const [first] = addresses;
    if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
      callback(new AddressNotAllowed('the target resolves to an address that is not public'), []);
      return;
    }
    if (options.all === true) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};
