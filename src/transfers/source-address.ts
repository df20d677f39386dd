/** Reads where a source is, as people write it. */
import { invalidArgument } from '#kernel/errors.ts';
import { isIpAddress, parseIpAddress, reservedUseOf } from '#kernel/ip-address.ts';

const LONGEST_URL = 2000;

/**
 * `vcenter.example.com` → `https://vcenter.example.com/sdk`. Passwords have fields of their own:
 * a URL ends up in logs.
 */
export function parseSourceUrl(text: string, field: string): string {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.length > LONGEST_URL) {
    throw invalidArgument(field, 'must be a host or URL such as https://vcenter.example.com/sdk');
  }
  const url = readUrl(trimmed.includes('://') ? trimmed : `https://${trimmed}`, field);
  if (url.username !== '' || url.password !== '') {
    throw invalidArgument(field, 'must not hold a user or password; they have fields of their own');
  }
  if (url.search !== '' || url.hash !== '') {
    throw invalidArgument(field, 'must end with its path, without ? or #');
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw invalidArgument(
      field,
      'must begin with https://: a password may travel in the clear only within this host',
    );
  }
  if (url.pathname === '/') url.pathname = '/sdk';
  return url.href;
}

function readUrl(text: string, field: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && url.hostname !== '' && /^https?:$/.test(url.protocol)) return url;
  throw invalidArgument(field, 'must be a host or URL such as https://vcenter.example.com/sdk');
}

function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (!isIpAddress(host)) return host === 'localhost';
  return reservedUseOf(parseIpAddress('url', host)) === 'loopback';
}
