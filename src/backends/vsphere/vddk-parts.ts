/**
 * What reading through VDDK takes, none of which comes with Drover: nbdkit, its plugin for VDDK,
 * and VMware's library. Whether they are there is asked of nbdkit, which loads one into the other.
 */
import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';

/** Where Debian and others put programs, whatever the PATH of who started this one. */
const PROGRAM_DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin'];
const ASK_MS = 10 * SECOND_MS;
const MOST_ANSWER = 256 * 1024;
/** What somebody installs is noticed without a restart; not each job asks for itself. */
const KNOWN_FOR_MS = 30 * SECOND_MS;

const run = promisify(execFile);

export interface VddkSettings {
  /** Undefined: wherever programs are. */
  readonly nbdkit: string | undefined;
  /** The folder that has `lib64` in it; undefined: where nbdkit looks by itself. */
  readonly library: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

export interface VddkProgram {
  readonly program: string;
  /** The plugin, and where it finds the library. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Ready to be used, or why it is not, and what to do about that. */
export type VddkState =
  | { readonly program: VddkProgram; readonly obstacle?: never }
  | { readonly obstacle: string; readonly program?: never };

export class VddkParts {
  readonly #settings: VddkSettings;
  readonly #clock: Clock;
  #known: { readonly atMs: number; readonly state: Promise<VddkState> } | undefined;

  constructor(settings: VddkSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  async state(): Promise<VddkState> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#known === undefined || nowMs - this.#known.atMs > KNOWN_FOR_MS) {
      this.#known = { atMs: nowMs, state: this.#look() };
    }
    return await this.#known.state;
  }

  async #look(): Promise<VddkState> {
    const { library, environment } = this.#settings;
    const program = await this.#findProgram();
    if (program === undefined) {
      const { nbdkit } = this.#settings;
      const where = nbdkit === undefined ? 'nbdkit is not installed' : `${nbdkit} is no program`;
      return { obstacle: `${where}; install nbdkit, or set migration.nbdkit to where it is` };
    }
    const args = ['vddk', ...(library === undefined ? [] : [`libdir=${library}`])];
    const told = await ask(program, ['--dump-plugin', ...args], environment);
    if (/^vddk_library_version=\d/m.test(told)) return { program: { program, args, environment } };
    if (/^name=vddk$/m.test(told)) return { obstacle: withoutLibrary(library) };
    const alone = await ask(program, ['--dump-plugin', 'vddk'], environment);
    if (/^name=vddk$/m.test(alone)) return { obstacle: withoutLibrary(library) };
    return {
      obstacle:
        'nbdkit has no plugin for VDDK; install nbdkit-plugin-vddk (Debian from 13 on has it in ' +
        'contrib, Ubuntu in universe) or nbdkit-vddk-plugin (Fedora, RHEL)',
    };
  }

  async #findProgram(): Promise<string | undefined> {
    const { nbdkit } = this.#settings;
    const places = PROGRAM_DIRECTORIES.map((directory) => join(directory, 'nbdkit'));
    for (const path of nbdkit === undefined ? places : [nbdkit]) {
      if (await isProgram(path)) return path;
    }
    return undefined;
  }
}

function withoutLibrary(library: string | undefined): string {
  const where = library ?? 'where nbdkit looks for it';
  return (
    `there is no VDDK library (libvixDiskLib) in ${where}; unpack VDDK 6.5 or newer from VMware ` +
    'and set migration.vddkLibrary to its folder vmware-vix-disklib-distrib'
  );
}

/** Nothing, when it would not answer. */
async function ask(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  try {
    const options = { env: { ...env }, timeout: ASK_MS, maxBuffer: MOST_ANSWER };
    const { stdout } = await run(program, [...args], options);
    return stdout;
  } catch {
    return '';
  }
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
