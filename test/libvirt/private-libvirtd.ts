/**
 * A real libvirtd that touches nothing of the host's own: a session daemon whose sockets, state
 * and configuration lie in one directory. Root lends it another account, because as root there is
 * only the system's daemon. It dies with the process that started it, even when that is killed:
 * `setpriv` asks the kernel to. Its guests would not, so they are killed when it is disposed.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const START_TIMEOUT_MS = 30_000;
const POLL_MS = 20;

/** Undefined when this process is not root and needs no other account. */
export async function findAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const fields = /^nobody:.*$/m.exec(await readFile('/etc/passwd', 'utf8'))?.[0].split(':');
  if (fields === undefined) throw new Error('there is no account `nobody` to run libvirtd');
  return { uid: Number(fields[2]), gid: Number(fields[3]) };
}

export class PrivateLibvirtd implements AsyncDisposable {
  /** For clients that run as the same account. */
  readonly environment: Readonly<Record<string, string>>;
  readonly account: Account | undefined;
  readonly #directory: string;
  #daemon: ChildProcess | undefined;

  private constructor(directory: string, account: Account | undefined) {
    this.#directory = directory;
    this.account = account;
    this.environment = {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      LC_ALL: 'C',
      HOME: directory,
      XDG_RUNTIME_DIR: join(directory, 'run'),
      XDG_CONFIG_HOME: join(directory, 'config'),
      XDG_CACHE_HOME: join(directory, 'cache'),
      XDG_DATA_HOME: join(directory, 'data'),
    };
  }

  /** The directory must be one that the account can come through to. */
  static async open(directory: string): Promise<PrivateLibvirtd> {
    const libvirtd = new PrivateLibvirtd(directory, await findAccount());
    await libvirtd.#prepare();
    try {
      await libvirtd.start();
      return libvirtd;
    } catch (thrown) {
      await libvirtd[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  get socket(): string {
    return join(this.#directory, 'run/libvirt/libvirt-sock');
  }

  get uri(): string {
    return `qemu+unix:///session?socket=${this.socket}`;
  }

  /** An empty one of the account's own. */
  async makeDirectory(name: string): Promise<string> {
    const path = join(this.#directory, name);
    await mkdir(path, { mode: 0o700 });
    if (this.account !== undefined) await chown(path, this.account.uid, this.account.gid);
    return path;
  }

  async start(): Promise<void> {
    await rm(this.socket, { force: true });
    const logPath = join(this.#directory, 'libvirtd.log');
    await using log = await open(logPath, 'a');
    const as = this.account;
    const lent =
      as === undefined ? [] : [`--reuid=${as.uid}`, `--regid=${as.gid}`, '--clear-groups'];
    const config = join(this.#directory, 'config/libvirt/libvirtd.conf');
    const dying = ['--pdeathsig', 'KILL', '--'];
    // Guests that have ended are taken note of at once, as by the first process of every host:
    // until then libvirt waits for them.
    const reaped = ['tini', '-s', '--', 'setpriv', ...dying];
    const command = ['libvirtd', '--config', config];
    const daemon = spawn('setpriv', [...lent, ...dying, ...reaped, ...command], {
      ...{ cwd: this.#directory, env: this.environment },
      // The last one is closed when all of them have ended.
      stdio: ['ignore', log.fd, log.fd, 'pipe'],
    });
    daemon.once('error', () => undefined);
    this.#daemon = daemon;
    const signal = AbortSignal.timeout(START_TIMEOUT_MS);
    while (!existsSync(this.socket)) {
      if (signal.aborted || daemon.exitCode !== null || daemon.pid === undefined) {
        const said = await readFile(logPath, 'utf8');
        throw new Error(
          `libvirtd did not start; it is in libvirt-daemon-system, and tini in tini ` +
            `(scripts/setup.sh all installs them as root). It said: ${said}`,
        );
      }
      await delay(POLL_MS);
    }
  }

  /** Its guests stay, as those of every libvirtd do. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const daemon = this.#daemon;
    this.#daemon = undefined;
    if (daemon?.pid === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const ended = once(daemon, 'close');
    daemon.kill(signal);
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    for (const pid of await this.#guestPids()) killIfThere(pid);
  }

  async #prepare(): Promise<void> {
    if (this.account !== undefined) {
      await chown(this.#directory, this.account.uid, this.account.gid);
    }
    for (const name of ['run', 'config', 'config/libvirt', 'cache', 'data']) {
      await this.makeDirectory(name);
    }
    const files = {
      'libvirtd.conf': 'auth_unix_rw = "none"\n',
      // Without virtlogd, which would be one process more for each line of the console.
      'qemu.conf': 'stdio_handler = "file"\n',
    };
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(this.#directory, 'config/libvirt', name), text);
    }
  }

  async #guestPids(): Promise<readonly number[]> {
    const path = join(this.#directory, 'run/libvirt/qemu/run');
    if (!existsSync(path)) return [];
    const files = (await readdir(path)).filter((name) => name.endsWith('.pid'));
    const texts = await Promise.all(files.map((name) => readFile(join(path, name), 'utf8')));
    return texts.map(Number).filter((pid) => Number.isSafeInteger(pid) && pid > 1);
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself, which is as well.
  }
}
