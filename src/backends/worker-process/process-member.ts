/**
 * A member that is a process. It speaks over descriptor 3, a socket of its own, and what it writes
 * to stdout and stderr are lines of its app's log.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, symlink } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { Member, MemberEnd, MemberMemory } from '#workers/member.ts';
import type { Link } from '#workers/wire/frames.ts';
import { SocketLink } from '#workers/wire/socket-link.ts';
import type { AppBinding } from '#workers/worker-app.ts';
import type { ConfinedCommand } from './confinement.ts';
import { OutputLines } from './output-lines.ts';
import { APP_LINK } from './permission-flags.ts';
import { describeEnd, isHeapFailure } from './process-end.ts';

const LINK_DESCRIPTOR = 3;
const PAGE_BYTES = 4096;
const LAST_WORDS_MS = 500;

export interface ProcessMemberOptions {
  readonly command: ConfinedCommand;
  /** The member's own; the link to its app goes there. */
  readonly directory: string;
  /** The process that was started waits for another, which is the member. */
  readonly isWrapped: boolean;
  readonly maxMemoryBytes: number;
  readonly clock: Clock;
  readonly onOutput: (stream: 'stdout' | 'stderr', line: string) => void;
  /** Called before `ended` resolves. */
  readonly cleanUp: () => Promise<void>;
}

export class ProcessMember implements Member {
  readonly kind = 'process';
  readonly link: Link;
  readonly ended: Promise<MemberEnd>;
  readonly #child: ChildProcess;
  readonly #options: ProcessMemberOptions;
  #pid: number | undefined;
  #isOutOfHeap = false;
  #isGone = false;

  private constructor(child: ChildProcess, socket: Socket, options: ProcessMemberOptions) {
    this.#child = child;
    this.#options = options;
    this.link = new SocketLink(socket);
    this.ended = this.#watch();
  }

  /** Resolves when the program runs, which is before it says so itself. */
  static async spawn(options: ProcessMemberOptions): Promise<ProcessMember> {
    const { file, args } = options.command;
    const child = spawn(file, args, {
      cwd: options.directory,
      env: { PATH: '/usr/bin:/bin' },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      // A group of its own, so that a signal for the terminal passes it by.
      detached: true,
    });
    const socket = child.stdio[LINK_DESCRIPTOR];
    try {
      await once(child, 'spawn');
    } catch (cause) {
      await options.cleanUp();
      throw new DroverError('unavailable', 'a worker process could not be started', { cause });
    }
    if (!(socket instanceof Socket)) throw new TypeError('a pipe of a child is a socket');
    return new ProcessMember(child, socket, options);
  }

  get pid(): number | undefined {
    return this.#options.isWrapped ? this.#pid : this.#child.pid;
  }

  async bind({ directory }: AppBinding): Promise<void> {
    await symlink(directory, join(this.#options.directory, APP_LINK));
  }

  async memory(): Promise<MemberMemory | undefined> {
    if (this.#isGone) return undefined;
    try {
      if (this.#options.isWrapped) this.#pid ??= await this.#findWrapped();
      const { pid } = this;
      if (pid === undefined) return undefined;
      const statm = await readFile(`/proc/${pid}/statm`, 'utf8');
      const [, resident = 0, shared = 0] = statm.split(' ').map(Number);
      return {
        rssBytes: resident * PAGE_BYTES,
        ownBytes: (resident - shared) * PAGE_BYTES,
        source: 'process',
      };
    } catch {
      // It has just left; its end says so.
      return undefined;
    }
  }

  async kill(): Promise<void> {
    this.#signalGroup();
    await this.ended;
  }

  #signalGroup(): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#isGone) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // The group is empty: all of it has ended already.
    }
  }

  async #watch(): Promise<MemberEnd> {
    const { clock, onOutput, maxMemoryBytes, cleanUp } = this.#options;
    const { stdout, stderr } = this.#child;
    if (stdout !== null) new OutputLines(stdout, clock, (line) => onOutput('stdout', line));
    if (stderr !== null) {
      new OutputLines(stderr, clock, (line) => {
        this.#isOutOfHeap ||= isHeapFailure(line);
        onOutput('stderr', line);
      });
    }
    const { promise, resolve } = Promise.withResolvers<[number | null, string | null]>();
    this.#child.once('exit', (code, signal) => resolve([code, signal]));
    const closed = once(this.#child, 'close');
    const [exitCode, signal] = await promise;
    // What it started is of its group, and goes with it.
    this.#signalGroup();
    this.#isGone = true;
    this.link.close();
    // What was written last is worth a moment; others who hold the pipes could keep them forever.
    const giveUp = clock.after(LAST_WORDS_MS, () => {
      stdout?.destroy();
      stderr?.destroy();
    });
    await closed;
    giveUp.cancel();
    // What could not be removed is, before the first worker of the next server.
    await cleanUp().catch(() => undefined);
    const isOutOfHeap = this.#isOutOfHeap;
    return describeEnd({ exitCode, signal, isOutOfHeap, maxMemoryBytes });
  }

  async #findWrapped(): Promise<number | undefined> {
    const { pid } = this.#child;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    const [first = ''] = children.split(' ');
    return first === '' ? undefined : Number(first);
  }
}
