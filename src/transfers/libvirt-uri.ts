/**
 * The connection URIs that are taken. libvirt's own can name programs to run on this host and can
 * turn off the check of whose host answers, so nothing passes here that is not in the table below.
 */
import { invalidArgument } from '#kernel/errors.ts';

export interface LibvirtUri {
  /** As virsh gets it. */
  readonly text: string;
  readonly scope: 'system' | 'session';
  /** Whether a path there is the same path here. */
  readonly isLocal: boolean;
}

const SCHEMES = {
  qemu: { isLocal: true, parameters: ['socket', 'mode'] },
  'qemu+unix': { isLocal: true, parameters: ['socket', 'mode'] },
  'qemu+ssh': { isLocal: false, parameters: ['socket', 'mode', 'keyfile', 'proxy'] },
} as const;

const PATTERNS: Readonly<Record<string, RegExp>> = {
  socket: /^\/[A-Za-z0-9_./@+-]{1,200}$/,
  keyfile: /^\/[A-Za-z0-9_./@+-]{1,400}$/,
  mode: /^(?:auto|legacy|direct)$/,
  proxy: /^(?:auto|netcat|native)$/,
};

const USER = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])$/;
const LONGEST = 1000;

export function parseLibvirtUri(text: string, field = 'libvirt_uri'): LibvirtUri {
  // The text is not repeated in any refusal: it may hold a password.
  const url = text.length > LONGEST ? null : URL.parse(text);
  const scheme = url?.protocol.slice(0, -1) ?? '';
  if (url === null || !isScheme(scheme)) {
    const examples = 'qemu:///system, qemu:///session or qemu+ssh://user@host/system';
    throw invalidArgument(field, `must be a libvirt URI such as ${examples}`);
  }
  const { isLocal, parameters } = SCHEMES[scheme];
  if (url.password !== '') {
    throw invalidArgument(field, 'must hold no password; ssh logs in with a key');
  }
  if (url.hash !== '') throw invalidArgument(field, 'must have no part after a #');
  if (isLocal && (url.host !== '' || url.username !== '')) {
    throw invalidArgument(field, `names a host; with a host the scheme is qemu+ssh`);
  }
  if (!isLocal) assertRemote(url, field);
  const scope = url.pathname.slice(1);
  if (scope !== 'system' && scope !== 'session') {
    throw invalidArgument(field, 'must end in /system or /session');
  }
  const kept = readParameters(url, parameters, field);
  // ssh would ask a terminal that is not there for a password, or for trust in a host.
  const all = isLocal ? kept : [...kept, 'no_tty=1'];
  const query = all.length === 0 ? '' : `?${all.join('&')}`;
  const user = url.username === '' ? '' : `${url.username}@`;
  return { text: `${scheme}://${user}${url.host}/${scope}${query}`, scope, isLocal };
}

function isScheme(text: string): text is keyof typeof SCHEMES {
  return Object.hasOwn(SCHEMES, text);
}

function assertRemote({ hostname, username }: URL, field: string): void {
  if (!HOST.test(hostname)) {
    throw invalidArgument(
      field,
      'must name a host by name or address, as in qemu+ssh://host/system',
    );
  }
  if (username !== '' && !USER.test(username)) {
    throw invalidArgument(field, 'must name the user of ssh in letters, digits, dots and hyphens');
  }
}

function readParameters(url: URL, allowed: readonly string[], field: string): readonly string[] {
  const seen = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (name === 'no_tty') continue;
    if (!allowed.includes(name)) {
      const known = allowed.join(', ');
      throw invalidArgument(field, `has the parameter ${shorten(name)}; allowed here are ${known}`);
    }
    if (seen.has(name)) throw invalidArgument(field, `has the parameter ${name} twice`);
    if (PATTERNS[name]?.test(value) !== true || value.split('/').includes('..')) {
      const right = name === 'socket' || name === 'keyfile' ? 'an absolute path' : 'a known word';
      throw invalidArgument(field, `has a parameter ${name} that is not ${right}`);
    }
    seen.set(name, value);
  }
  return [...seen].map(([name, value]) => `${name}=${value}`);
}

function shorten(name: string): string {
  return JSON.stringify(name.slice(0, 40));
}
