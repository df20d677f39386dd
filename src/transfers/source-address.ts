/** Reads where a source is, as people write it. */
import { invalidArgument } from '#kernel/errors.ts';
import { isIpAddress, parseIpAddress, reservedUseOf } from '#kernel/ip-address.ts';

const LONGEST_URL = 2000;

/**
 * `vcenter.example.com` → `https://vcenter.example.com/sdk`. Passwords have fields of their own:
 * a URL ends up in logs.
 */
export function parseSourceUrl(text: string, field: string): string {
  const url = parseServerUrl(text, field, 'https://vcenter.example.com/sdk');
  if (url.pathname === '/') url.pathname = '/sdk';
  return url.href;
}

/** `drover.example.com:8080` → `https://drover.example.com:8080`, by the same rules. */
export function parseDroverUrl(text: string, field: string): string {
  return parseServerUrl(text, field, 'https://drover.example.com:8080').href.replace(/\/+$/, '');
}

function parseServerUrl(text: string, field: string, example: string): URL {
  const trimmed = text.trim();
  const expectation = `must be a host or URL such as ${example}`;
  if (trimmed === '' || trimmed.length > LONGEST_URL) throw invalidArgument(field, expectation);
  const full = trimmed.includes('://') ? trimmed : `https://${trimmed}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url === undefined || url.hostname === '' || !/^https?:$/.test(url.protocol)) {
    throw invalidArgument(field, expectation);
  }
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
  return url;
}

function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (!isIpAddress(host)) return host === 'localhost';
  return reservedUseOf(parseIpAddress('url', host)) === 'loopback';
}
