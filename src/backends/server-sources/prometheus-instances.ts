/**
 * Which servers a label `instance` belongs to. One that is given without a port stands for all
 * exporters of that host, at any port; with a port it is exactly that one.
 */
import type { ServerId } from '#kernel/ids.ts';

const WITH_PORT = /^([^:]+|\[[^\]]*\]):\d{1,5}$/;
const ANY_PORT = '(?::[0-9]{1,5})?';

export interface InstanceRequest {
  readonly id: ServerId;
  readonly instance: string;
}

export class PrometheusInstances {
  readonly #exact = new Map<string, Set<ServerId>>();
  readonly #hosts = new Map<string, Set<ServerId>>();

  constructor(requests: readonly InstanceRequest[]) {
    for (const { id, instance } of requests) {
      if (WITH_PORT.test(instance)) note(this.#exact, instance, id);
      else for (const host of spellings(instance)) note(this.#hosts, host, id);
    }
  }

  serversOf(instance: string): ReadonlySet<ServerId> {
    const exact = this.#exact.get(instance);
    const hosts = this.#hosts.get(hostOf(instance));
    if (exact === undefined || hosts === undefined) return exact ?? hosts ?? new Set();
    return exact.union(hosts);
  }

  /**
   * Regular expressions for `instance=~`, as few as there can be of at most about so many letters.
   */
  patterns(mostLetters: number): readonly string[] {
    const patterns: string[] = [];
    for (const part of inParts([...this.#hosts.keys()].map(escape), mostLetters)) {
      patterns.push(`(?:${part})${ANY_PORT}`);
    }
    for (const part of inParts([...this.#exact.keys()].map(escape), mostLetters)) {
      const last = patterns.at(-1);
      const joined = last === undefined ? part : `${last}|${part}`;
      if (last !== undefined && joined.length <= mostLetters) patterns.pop();
      patterns.push(joined.length <= mostLetters ? joined : part);
    }
    return patterns;
  }
}

/** `10.0.0.7:9100` → `10.0.0.7`; what has no port is left as it is. */
export function hostOf(instance: string): string {
  return WITH_PORT.exec(instance)?.[1] ?? instance;
}

/** An address of IPv6 is in brackets where a port follows it. */
function spellings(host: string): readonly string[] {
  return host.includes(':') && !host.startsWith('[') ? [host, `[${host}]`] : [host];
}

function note(map: Map<string, Set<ServerId>>, key: string, id: ServerId): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, new Set([id]));
  else known.add(id);
}

function* inParts(alternatives: readonly string[], mostLetters: number): Generator<string> {
  let part = '';
  for (const each of alternatives) {
    if (part !== '' && part.length + each.length >= mostLetters) {
      yield part;
      part = '';
    }
    part = part === '' ? each : `${part}|${each}`;
  }
  if (part !== '') yield part;
}

function escape(text: string): string {
  return text.replaceAll(/[\\.*+?^${}()|[\]]/g, String.raw`\$&`);
}
