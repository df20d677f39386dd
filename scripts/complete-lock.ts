/**
 * `npm i` leaves an optional package out of package-lock.json when the registry at hand does not
 * serve it, and from then on `npm ci` refuses the lock file everywhere. Mirrors that hold only
 * one platform's binaries do this to every tool that ships one package for each platform.
 *
 * Run after `npm i` on such a machine: it writes the missing entries from what their parents ask
 * for. They carry no integrity hash, because nothing was downloaded that could be hashed.
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface Platform {
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly os?: readonly string[];
}

interface LockEntry extends Platform {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly dev?: boolean;
  readonly optional?: boolean;
}

interface LockFile {
  packages: Record<string, LockEntry>;
}

const EXACT_VERSION = /^\d+\.\d+\.\d+(-[\w.]+)?$/;
const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'openharmony', 'sunos', 'win32'];
const PROCESSORS: Readonly<Record<string, string>> = {
  arm: 'arm',
  armv7: 'arm',
  arm64: 'arm64',
  aarch64: 'arm64',
  ia32: 'ia32',
  loong64: 'loong64',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  x64: 'x64',
};

/** `@oxfmt/binding-linux-x64-musl` → the machines it is for; undefined when its name is silent. */
function platformOf(name: string): Platform | undefined {
  const words = name.replace(/^@[^/]+\//, '').split('-');
  const system = words.find((word) => SYSTEMS.includes(word));
  const processor = words.map((word) => PROCESSORS[word]).find((cpu) => cpu !== undefined);
  if (system === undefined || processor === undefined) return undefined;
  const platform = { cpu: [processor], os: [system] };
  if (words.some((word) => word.startsWith('musl'))) return { ...platform, libc: ['musl'] };
  return words.includes('gnu') ? { ...platform, libc: ['glibc'] } : platform;
}

/** The version, then the alphabet: the next `npm i` then leaves the entry as it is. */
function inNpmOrder({ version, ...rest }: LockEntry): LockEntry {
  const sorted = Object.entries(rest).toSorted(([a], [b]) => a.localeCompare(b, 'en'));
  return { version, ...Object.fromEntries(sorted) } as LockEntry;
}

function completeLock(lock: LockFile): string[] {
  const added: string[] = [];
  for (const parent of Object.values(lock.packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      const path = `node_modules/${name}`;
      const platform = platformOf(name);
      if (path in lock.packages || platform === undefined || !EXACT_VERSION.test(version)) continue;
      const dev = parent.dev === true ? { dev: true } : {};
      lock.packages[path] = inNpmOrder({ version, ...dev, optional: true, ...platform });
      added.push(name);
    }
  }
  const sorted = Object.entries(lock.packages).toSorted(([a], [b]) => a.localeCompare(b, 'en'));
  lock.packages = Object.fromEntries(sorted);
  return added;
}

const path = `${import.meta.dirname}/../package-lock.json`;
const lock = JSON.parse(readFileSync(path, 'utf8')) as LockFile;
const added = completeLock(lock);
if (added.length > 0) writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length === 0 ? 'nothing was missing' : `added ${added.join(', ')}`);
