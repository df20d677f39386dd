/**
 * A real sshd for one user, with keys of its own, behind a port of this process's: each connection
 * gets an sshd that ends with it. Nothing of the host's own is used but the user and /run/sshd. The
 * ssh of the user reads its files there as well, by a program that only says where they are: ssh
 * takes the home directory from /etc/passwd, whatever the environment says.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, writeFile, type FileHandle } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SSHD = '/usr/sbin/sshd';
const PATIENCE_MS = 20_000;

export class PrivateSshd implements AsyncDisposable {
  /** To be called instead of ssh. */
  readonly ssh: string;
  /** What the user logs in with. */
  readonly keyFile: string;
  /** Takes connections and says nothing, as a host that hangs. */
  isMute = false;
  /** How many connections there have been, each of them a login. */
  logins = 0;
  readonly #directory: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ChildProcess>();
  readonly #log: FileHandle;

  private constructor(directory: string, log: FileHandle) {
    this.#directory = directory;
    this.#log = log;
    this.ssh = join(directory, 'ssh');
    this.keyFile = join(directory, 'id');
    // Not a byte may be read here: the socket is handed on as it is.
    this.#server = createServer({ pauseOnConnect: true }, (socket) => this.#serve(socket));
  }

  static async open(directory: string): Promise<PrivateSshd> {
    if (!existsSync(SSHD)) {
      throw new Error(`${SSHD} is not there: install openssh-server (scripts/setup.sh all does)`);
    }
    await mkdir(directory, { mode: 0o700 });
    // Where sshd shuts in what talks to strangers; services make it when they start.
    if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
    const sshd = new PrivateSshd(directory, await open(join(directory, 'log'), 'a'));
    await sshd.#prepare();
    sshd.#server.listen(0, '127.0.0.1');
    await once(sshd.#server, 'listening');
    await sshd.trustHost();
    return sshd;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `user@host:port` of a URI. */
  get authority(): string {
    return `${userInfo().username}@127.0.0.1:${this.port}`;
  }

  /** The user has accepted the key of the host. */
  async trustHost(key = 'host'): Promise<void> {
    const text = await readFile(join(this.#directory, `${key}.pub`), 'utf8');
    await this.#write('known', `[127.0.0.1]:${this.port} ${text}`);
  }

  async forgetHost(): Promise<void> {
    await this.#write('known', '');
  }

  /** Makes a key that is neither the host's nor one that may log in. */
  async makeKey(name: string): Promise<string> {
    const path = join(this.#directory, name);
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path]);
    return path;
  }

  /** Breaks all connections, as a host that goes away. */
  breakOff(): void {
    for (const session of this.#sessions) session.kill('SIGKILL');
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Resolves when whoever was not answered has gone. */
  async forsaken(): Promise<void> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    await Promise.all([...this.#sockets].map((socket) => once(socket, 'close', { signal })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const sessions = [...this.#sessions].map((session) => once(session, 'exit'));
    this.breakOff();
    this.#server.close();
    await Promise.all(sessions);
    await this.#log.close();
  }

  async #prepare(): Promise<void> {
    await this.makeKey('host');
    await this.#write('authorized', await readFile(`${await this.makeKey('id')}.pub`, 'utf8'));
    const inside = (name: string) => join(this.#directory, name);
    const server = [
      `HostKey ${inside('host')}`,
      `AuthorizedKeysFile ${inside('authorized')}`,
      ...['AuthenticationMethods publickey', 'UsePAM no', 'StrictModes no'],
      // The default is ten times the work, and there is nobody to be kept out.
      'KexAlgorithms curve25519-sha256',
      // As for a shell in a shell: bash reads no ~/.bashrc then, which may do who knows what.
      'SetEnv SHLVL=2',
    ];
    const client = [
      `UserKnownHostsFile ${inside('known')}`,
      ...['GlobalKnownHostsFile none', 'IdentityAgent none', 'IdentitiesOnly yes'],
    ];
    await this.#write('sshd_config', `${server.join('\n')}\n`);
    await this.#write('ssh_config', `${client.join('\n')}\n`);
    await this.#write('ssh', `#!/bin/sh\nexec ssh -F ${inside('ssh_config')} "$@"\n`, 0o755);
  }

  async #write(name: string, text: string, mode = 0o600): Promise<void> {
    await writeFile(join(this.#directory, name), text, { mode });
  }

  #serve(socket: Socket): void {
    this.logins += 1;
    socket.on('error', () => socket.destroy());
    if (this.isMute) {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket)).resume();
      return;
    }
    const session = spawn(SSHD, ['-i', '-e', '-f', join(this.#directory, 'sshd_config')], {
      stdio: [socket, socket, this.#log.fd],
    });
    this.#sessions.add(session);
    session.on('error', () => undefined);
    session.on('exit', () => this.#sessions.delete(session));
    socket.destroy();
  }
}
