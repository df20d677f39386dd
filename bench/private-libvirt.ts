/**
 * A real libvirtd that touches nothing of the host's own: a session daemon whose sockets, state
 * and configuration lie in one directory, and one virsh that stays connected to it. Root lends it
 * another account, because as root there is only the system's daemon. A session daemon has less
 * to do than that one (no cgroups, no labels), which is to libvirt's advantage here.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { systemClock } from '#kernel/clock.ts';
import { killAtExit } from './at-exit.ts';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface Virsh extends AsyncDisposable {
  /** Sends a command and returns when its answer holds `expected`; the answer. */
  run(command: string, expected: string): Promise<string>;
}

const START_TIMEOUT_MS = 30_000;
const COMMAND_TIMEOUT_MS = 60_000;
const POLL_MS = 20;

/** Undefined when this process is not root and needs no other account. */
export async function findAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const fields = /^nobody:.*$/m.exec(await readFile('/etc/passwd', 'utf8'))?.[0].split(':');
  if (fields === undefined) throw new Error('there is no account `nobody` to run libvirtd');
  return { uid: Number(fields[2]), gid: Number(fields[3]) };
}

export async function openPrivateLibvirt(
  directory: string,
  account: Account | undefined,
): Promise<Virsh> {
  await using stack = new AsyncDisposableStack();
  const env = await prepareHome(directory, account);
  const as = { cwd: directory, env, ...account };
  await using log = await open(join(directory, 'libvirtd.log'), 'w');
  const config = join(directory, 'config/libvirt/libvirtd.conf');
  const daemon = spawn('libvirtd', ['--config', config], {
    ...as,
    stdio: ['ignore', log.fd, log.fd],
  });
  stack.use(killAtExit(daemon));
  stack.defer(() => end(daemon));
  daemon.once('error', () => undefined);
  const socket = join(directory, 'run/libvirt/libvirt-sock');
  const signal = AbortSignal.timeout(START_TIMEOUT_MS);
  while (!existsSync(socket)) {
    if (signal.aborted || daemon.exitCode !== null || daemon.pid === undefined) {
      const said = await readFile(join(directory, 'libvirtd.log'), 'utf8');
      throw new Error(`libvirtd did not start; it is in libvirt-daemon-system. It said: ${said}`);
    }
    await systemClock.sleep(POLL_MS);
  }
  const virsh = spawn('virsh', ['--connect', 'qemu:///session'], {
    ...as,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  stack.defer(() => end(virsh));
  const shell = new VirshShell(virsh);
  await shell.run('version', 'Running hypervisor');
  const owned = stack.move();
  return {
    run: (command, expected) => shell.run(command, expected),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function prepareHome(directory: string, account: Account | undefined) {
  const places = ['run', 'config', 'config/libvirt', 'cache', 'data'];
  for (const place of places) await mkdir(join(directory, place), { mode: 0o700 });
  const files = {
    'config/libvirt/libvirtd.conf': 'auth_unix_rw = "none"\n',
    // Without virtlogd, which would be one process more for each line of the console.
    'config/libvirt/qemu.conf': 'stdio_handler = "file"\n',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  if (account !== undefined) {
    for (const path of ['', ...places, ...Object.keys(files)]) {
      await chown(join(directory, path), account.uid, account.gid);
    }
  }
  return {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C',
    HOME: directory,
    XDG_RUNTIME_DIR: join(directory, 'run'),
    XDG_CONFIG_HOME: join(directory, 'config'),
    XDG_CACHE_HOME: join(directory, 'cache'),
    XDG_DATA_HOME: join(directory, 'data'),
  };
}

class VirshShell {
  readonly #stdin: Writable;
  #said = '';
  #heard = Promise.withResolvers<void>();

  constructor({ stdin, stdout, stderr }: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.#stdin = stdin;
    for (const output of [stdout, stderr]) {
      output.setEncoding('utf8').on('data', (text: string) => {
        this.#said += text;
        this.#heard.resolve();
      });
    }
  }

  async run(command: string, expected: string): Promise<string> {
    this.#said = '';
    this.#stdin.write(`${command}\n`);
    const signal = AbortSignal.timeout(COMMAND_TIMEOUT_MS);
    using _limit = systemClock.after(COMMAND_TIMEOUT_MS, () => this.#heard.resolve());
    while (!this.#said.includes(expected)) {
      if (signal.aborted || this.#said.includes('error:')) {
        throw new Error(`virsh ${command}: ${this.#said}`);
      }
      this.#heard = Promise.withResolvers();
      await this.#heard.promise;
    }
    return this.#said;
  }
}

async function end(child: {
  readonly pid?: number | undefined;
  readonly exitCode: number | null;
  kill(signal: NodeJS.Signals): boolean;
}): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  const ended = once(child as NodeJS.EventEmitter & typeof child, 'exit');
  child.kill('SIGTERM');
  using _limit = systemClock.after(START_TIMEOUT_MS, () => child.kill('SIGKILL'));
  await ended;
}
