/** What a name in the network mapping means at one libvirt: a network of it, or else a bridge. */
import { DroverError } from '#kernel/errors.ts';
import type { NicPlace } from './domain-nics.ts';
import type { LibvirtHost } from './libvirt-host.ts';

export interface FoundNetwork {
  readonly place: NicPlace;
  readonly isActive: boolean;
  /** False where libvirt could not say whether there is such a bridge. */
  readonly isCertain: boolean;
}

/** Of a session's libvirt, which may make no taps, unless it has a network that is called so. */
const USER_NETWORK = 'user';
const BRIDGE_NAME = /^[^\s/]{1,15}$/;
const MOST_NAMED = 20;

export class NetworkFinder {
  readonly #host: LibvirtHost;
  readonly #hasUserNetwork: boolean;

  constructor(host: LibvirtHost, scope: 'system' | 'session') {
    this.#host = host;
    this.#hasUserNetwork = scope === 'session';
  }

  /** Each name once; a DroverError is the answer for a name that means nothing there. */
  async find(
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, FoundNetwork | DroverError>> {
    const found = new Map<string, FoundNetwork | DroverError>();
    if (names.length === 0) return found;
    const all = await this.#host.names('net', 'all', signal);
    const active = await this.#host.names('net', 'active', signal);
    for (const name of new Set(names)) {
      if (all.includes(name)) {
        const place = { kind: 'network', name } as const;
        found.set(name, { place, isActive: active.includes(name), isCertain: true });
      } else if (name === USER_NETWORK && this.#hasUserNetwork) {
        found.set(name, { place: { kind: 'user' }, isActive: true, isCertain: true });
      } else {
        found.set(name, (await this.#bridge(name, signal)) ?? networkMissing(name, all));
      }
    }
    return found;
  }

  /** One place for each name in its order. */
  async places(names: readonly string[], signal: AbortSignal): Promise<readonly NicPlace[]> {
    const found = await this.find(names, signal);
    return names.map((name) => {
      const one = found.get(name);
      if (one === undefined || one instanceof DroverError) throw one ?? networkMissing(name, []);
      return one.place;
    });
  }

  async #bridge(name: string, signal: AbortSignal): Promise<FoundNetwork | undefined> {
    if (!BRIDGE_NAME.test(name)) return undefined;
    const isBridge = await this.#host.isBridge(name, signal);
    if (isBridge === false) return undefined;
    return { place: { kind: 'bridge', name }, isActive: true, isCertain: isBridge === true };
  }
}

function networkMissing(name: string, all: readonly string[]): DroverError {
  const there = all.length === 0 ? 'it has none' : `it has ${all.slice(0, MOST_NAMED).join(', ')}`;
  const text = `libvirt has no network ${name}, and its host no such bridge; of networks ${there}`;
  return new DroverError('failed_precondition', text, {
    reason: 'NETWORK_MISSING',
    metadata: { network: name, remedy: 'map the network to one of them, or to a bridge there' },
  });
}
