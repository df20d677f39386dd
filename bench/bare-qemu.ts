/**
 * Guests started by nothing but their command line, which is taken from a guest that Drover runs:
 * QEMU's own, as the kernel tells it.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '#kernel/clock.ts';
import { killAtExit } from './at-exit.ts';

const execFileAsync = promisify(execFile);
const POLL_MS = 5;
const BOOT_TIMEOUT_MS = 120_000;

export interface CommandLine {
  readonly program: string;
  readonly args: readonly string[];
  /** Where relative paths in it begin. */
  readonly directory: string;
}

export async function readCommandLine(pid: number): Promise<CommandLine> {
  const [program = '', ...args] = (await readFile(`/proc/${pid}/cmdline`, 'utf8'))
    .replace(/\0$/, '')
    .split('\0');
  return { program, args, directory: await readlink(`/proc/${pid}/cwd`) };
}

export interface Overlay {
  readonly file: string;
  readonly base: string;
  readonly baseFormat: string;
}

/** The copy-on-write disks of a command line, as its `-blockdev` arguments describe them. */
export function overlaysOf({ args }: CommandLine): Overlay[] {
  return args.flatMap((argument, at) => {
    if (args[at - 1] !== '-blockdev') return [];
    const node = JSON.parse(argument) as Blockdev;
    if (node.driver !== 'qcow2' || node.backing === undefined) return [];
    const { driver, file } = node.backing;
    return [{ file: node.file.filename, base: file.filename, baseFormat: driver }];
  });
}

interface Blockdev {
  readonly driver: string;
  readonly file: { readonly filename: string };
  readonly backing?: { readonly driver: string; readonly file: { readonly filename: string } };
}

export async function createOverlay({ file, base, baseFormat }: Overlay): Promise<void> {
  const options = ['-f', 'qcow2', '-o', 'compat=1.1,lazy_refcounts=on'];
  await execFileAsync('qemu-img', ['create', '-q', ...options, '-F', baseFormat, '-b', base, file]);
}

/** Milliseconds from the start of QEMU until its guest is ready. The disks are made before. */
export async function timeBareBoot(
  commandLine: CommandLine,
  { directory, ready }: { readonly directory: string; readonly ready: string },
): Promise<number> {
  for (const overlay of overlaysOf(commandLine)) {
    const file = join(directory, overlay.file);
    await mkdir(dirname(file), { recursive: true });
    await createOverlay({ ...overlay, file });
  }
  await using log = await open(join(directory, 'qemu.log'), 'w');
  const startedMs = performance.now();
  const child = spawn(commandLine.program, commandLine.args, {
    cwd: directory,
    // In a session of its own, as Drover starts it: Linux shares a busy processor out by session.
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  const ended = once(child, 'exit');
  using _duty = killAtExit(child);
  try {
    await waitForText(join(directory, 'console.log'), ready);
    return performance.now() - startedMs;
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

export async function waitForText(file: string, text: string): Promise<void> {
  const signal = AbortSignal.timeout(BOOT_TIMEOUT_MS);
  for (;;) {
    const printed = await readFile(file, 'utf8').catch(() => '');
    if (printed.includes(text)) return;
    if (signal.aborted) throw new Error(`${text} is not in what the guest printed:\n${printed}`);
    await systemClock.sleep(POLL_MS);
  }
}
