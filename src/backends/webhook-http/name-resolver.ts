/**
 * Looks names up. The system's own look-up blocks a thread of the few there are, for as long as a
 * stranger's name server likes; so names that look public are asked for over the network without
 * one, and only what is not found there goes to the system, few at a time.
 */
import { lookup } from 'node:dns/promises';
import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { systemErrorCode } from '#kernel/errors.ts';
import type { NameResolver, ResolvedAddress } from '#kernel/guarded-lookup.ts';

const HOSTS_FILE = '/etc/hosts';
const SYSTEM_LOOKUPS = 2;
const TIMEOUT_MS = 2000;
const TRIES = 2;

/** `systemLookups`: how many threads it may hold at the same time, of the four that there are. */
export function createNameResolver(systemLookups = SYSTEM_LOOKUPS): NameResolver {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  const system = createGate(systemLookups);
  const askSystem = (name: string) => system(async () => toAddresses(await askLibc(name)));
  return async (name) => {
    if (!name.replace(/\.$/, '').includes('.')) return await askSystem(name);
    const noted = await readHostsFile(name);
    if (noted.length > 0) return noted;
    try {
      return await askNetwork(resolver, name);
    } catch (thrown) {
      const code = systemErrorCode(thrown);
      // Asking the system would take as long once more, with a thread held meanwhile.
      if (code === 'ETIMEOUT' || code === 'ECANCELLED') throw thrown;
      return await askSystem(name);
    }
  };
}

async function askLibc(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}

/** One family alone is enough. */
async function askNetwork(resolver: Resolver, name: string): Promise<readonly ResolvedAddress[]> {
  const asked = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const found = asked.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (found.length > 0) return toAddresses(found);
  const failed = asked.find((answer) => answer.status === 'rejected');
  throw failed?.reason instanceof Error ? failed.reason : new Error('no address');
}

/** What the operator of this host wrote down comes before what the network says. */
async function readHostsFile(name: string): Promise<readonly ResolvedAddress[]> {
  // Many systems have none, and then there is nothing to find in it.
  const text = await readFile(HOSTS_FILE, 'utf8').catch(() => '');
  const wanted = name.toLowerCase().replace(/\.$/, '');
  const addresses = text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/);
    return names.includes(wanted) ? [address] : [];
  });
  return toAddresses(addresses);
}

function toAddresses(texts: readonly string[]): readonly ResolvedAddress[] {
  return texts.flatMap((address): ResolvedAddress[] => {
    const family = isIP(address);
    return family === 4 || family === 6 ? [{ address, family }] : [];
  });
}

type Gate = <T>(job: () => Promise<T>) => Promise<T>;

function createGate(most: number): Gate {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (job) => {
    if (running >= most) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push(resolve);
      await promise;
    } else running += 1;
    try {
      return await job();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
