/**
 * The simulator's executable, built by Debian's Go from `simulator/main.go` and Debian's govmomi,
 * without any network. It is kept beside the installed packages under a name that says what it was
 * made from; two test files at once may both build it.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SOURCE = fileURLToPath(new URL('simulator/main.go', import.meta.url));
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/drover-vsphere', import.meta.url));
const GOPATH = '/usr/share/gocode';
/** What the packages put where. */
const NEEDED = {
  'golang-go': '/usr/bin/go',
  'golang-github-vmware-govmomi-dev': `${GOPATH}/src/github.com/vmware/govmomi/simulator/model.go`,
};
const BUILD_LIMIT_MS = 240_000;

export async function buildSimulator(): Promise<string> {
  return await buildWithGovmomi(SOURCE);
}

/** Any program of one file, in a folder that bears its name. */
export async function buildWithGovmomi(source: string): Promise<string> {
  refuseWithout(NEEDED);
  const program = join(CACHE, `${basename(dirname(source))}-${await digest(source)}`);
  if (existsSync(program)) return program;
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, '.building-'));
  try {
    const built = join(folder, 'built');
    await promisify(execFile)('go', ['build', '-o', built, source], {
      env: {
        PATH: '/usr/bin:/bin',
        HOME: folder,
        GOPATH,
        GO111MODULE: 'off',
        GOCACHE: goCache(folder),
        // Half the size, and none of it is ever debugged.
        GOFLAGS: '-ldflags=-s',
      },
      timeout: BUILD_LIMIT_MS,
    });
    await rename(built, program);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return program;
}

/** Go's own place, where the next clone on this host finds what was compiled; or else for once. */
function goCache(folder: string): string {
  try {
    accessSync(homedir(), constants.W_OK);
    return join(homedir(), '.cache/go-build');
  } catch {
    return join(folder, 'cache');
  }
}

export function refuseWithout(needed: Readonly<Record<string, string>>): void {
  const missing = Object.entries(needed)
    .filter(([, path]) => !existsSync(path))
    .map(([name]) => `\`${name}\``);
  if (missing.length === 0) return;
  throw new Error(
    "This test needs vSphere's simulator, which is built here. Install the Debian package " +
      `${missing.join(' and ')} (scripts/setup.sh all does it as root).`,
  );
}

async function digest(source: string): Promise<string> {
  const { stdout } = await promisify(execFile)('dpkg-query', ['-W', ...Object.keys(NEEDED)]);
  const hash = createHash('sha256').update(await readFile(source));
  return hash.update(stdout).digest('hex').slice(0, 16);
}
