/**
 * Whether an app's list of hosts lets it call a URL. `host` is that host on any port, `host:port`
 * on that one, `*.domain` every host below the domain and not the domain itself, `*` every host.
 */
import { formatIpAddress, isIpAddress, parseIpAddress } from '#kernel/ip-address.ts';

/**
 * - `named`: the list has this very host, which a private one must be to be called.
 * - `covered`: only a pattern of the list has it.
 */
export type HostVerdict = 'named' | 'covered' | 'refused';

interface HostPort {
  readonly host: string;
  /** Undefined is any. */
  readonly port: number | undefined;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

export function judgeHost(url: URL, allowedHosts: readonly string[]): HostVerdict {
  const called = { host: hostOf(url), port: portOf(url) };
  let verdict: HostVerdict = 'refused';
  for (const entry of allowedHosts) {
    const { host, port } = parseEntry(entry);
    if (port !== undefined && port !== called.port) continue;
    if (host === called.host) return 'named';
    if (isCovered(called.host, host)) verdict = 'covered';
  }
  return verdict;
}

/** As it is connected to: no brackets around an address, no dot behind a name. */
export function hostOf(url: URL): string {
  return canonicalHost(url.hostname);
}

function portOf(url: URL): number {
  return url.port === '' ? (DEFAULT_PORTS[url.protocol] ?? 0) : Number(url.port);
}

/** An address has no domain, whatever its digits end in. */
function isCovered(called: string, pattern: string): boolean {
  if (pattern === '*') return true;
  return pattern.startsWith('*.') && !isIpAddress(called) && called.endsWith(pattern.slice(1));
}

function parseEntry(entry: string): HostPort {
  const [, host = entry, port] = /^(.*?|\[.*\])(?::(\d+))?$/.exec(entry) ?? [];
  return { host: canonicalHost(host), port: port === undefined ? undefined : Number(port) };
}

/** Without what can be written in more than one way: brackets, capitals, the root's dot, zeros. */
function canonicalHost(text: string): string {
  const host = text.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (isIpAddress(host)) return formatIpAddress(parseIpAddress('host', host));
  return host.replace(/\.$/, '');
}
