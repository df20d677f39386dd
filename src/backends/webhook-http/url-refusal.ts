import { refusalOfAddress, type AddressPolicy } from '#kernel/address-policy.ts';
import { isIpAddress } from '#kernel/ip-address.ts';

/**
 * What shows without looking a name up. The parser of URLs has already turned every way of
 * writing an IPv4 address (decimal, octal, hexadecimal, short, full-width) into dotted decimal.
 */
export function refusalOfUrl(url: URL, policy: AddressPolicy): string | undefined {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'must be http:// or https://';
  const literal = addressOf(url);
  if (literal !== undefined) return refusalOfAddress(literal, policy);
  const name = url.hostname.toLowerCase().replace(/\.$/, '');
  const isLocal = name === 'localhost' || name.endsWith('.localhost');
  if (!isLocal || policy.allowPrivate) return undefined;
  return 'leads to a loopback address, which this server does not call';
}

/** Undefined when the host is a name. */
function addressOf(url: URL): string | undefined {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return isIpAddress(host) ? host : undefined;
}
