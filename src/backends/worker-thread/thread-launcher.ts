/**
 * Members that are threads of this process, for trusted work of the platform alone. A thread has no
 * memory of its own that the kernel could tell: it is shown as its part of what the process has.
 */
import { createInterface } from 'node:readline';
import { MessageChannel, Worker } from 'node:worker_threads';
import { untilAborted } from '#kernel/abort.ts';
import { formatBytes, MIB } from '#kernel/units.ts';
import { systemErrorCode } from '#kernel/errors.ts';
import { awaitHello } from '#workers/await-hello.ts';
import type {
  LaunchOptions,
  Member,
  MemberEnd,
  MemberLauncher,
  MemberMemory,
} from '#workers/member.ts';
import type { Link } from '#workers/wire/frames.ts';
import { PortLink } from '#workers/wire/port-link.ts';

export class ThreadLauncher implements MemberLauncher {
  readonly kind = 'thread';
  readonly #entry: string;
  /** Alive now; the process's memory is shared out among them and the main thread. */
  readonly #threads = new Set<ThreadMember>();

  /** `entry` is the program that runs in each of them. */
  constructor(entry: string) {
    this.#entry = entry;
  }

  needsOwnStart(): boolean {
    return false;
  }

  async launch(options: LaunchOptions, signal: AbortSignal): Promise<Member> {
    signal.throwIfAborted();
    const member = new ThreadMember(this.#entry, options, () => this.#share());
    this.#threads.add(member);
    void member.ended.then(() => this.#threads.delete(member));
    try {
      await untilAborted(awaitHello(member), signal);
      return member;
    } catch (thrown) {
      await member.kill();
      throw thrown;
    }
  }

  #share(): number {
    return Math.round(process.memoryUsage.rss() / (this.#threads.size + 1));
  }
}

class ThreadMember implements Member {
  readonly kind = 'thread';
  /** That of the server must not be taken for a worker's: people end workers by it. */
  readonly pid = undefined;
  readonly link: Link;
  readonly ended: Promise<MemberEnd>;
  readonly #worker: Worker;
  readonly #share: () => number;
  readonly #maxMemoryBytes: number;

  constructor(entry: string, options: LaunchOptions, share: () => number) {
    const { workerId, maxMemoryBytes, onOutput } = options;
    const { port1, port2 } = new MessageChannel();
    this.#maxMemoryBytes = maxMemoryBytes;
    this.#share = share;
    this.#worker = new Worker(entry, {
      name: workerId,
      workerData: { port: port2 },
      transferList: [port2],
      env: {},
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: Math.floor(maxMemoryBytes / MIB) },
    });
    this.link = new PortLink(port1);
    for (const stream of ['stdout', 'stderr'] as const) {
      createInterface({ input: this.#worker[stream] }).on('line', (line) => onOutput(stream, line));
    }
    // Nothing of the pool keeps the process alive when all else has ended.
    this.#worker.unref();
    port1.unref();
    this.ended = this.#watch();
  }

  async bind(): Promise<void> {
    // A thread sees all files anyway.
  }

  async memory(): Promise<MemberMemory | undefined> {
    return { rssBytes: this.#share(), ownBytes: undefined, source: 'share' };
  }

  async kill(): Promise<void> {
    await this.#worker.terminate();
    await this.ended;
  }

  async #watch(): Promise<MemberEnd> {
    let error: unknown;
    this.#worker.on('error', (thrown) => (error = thrown));
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#worker.once('exit', resolve);
    const exitCode = await promise;
    this.link.close();
    return { exitCode, signal: undefined, message: this.#toSentence(error, exitCode) };
  }

  #toSentence(error: unknown, exitCode: number): string {
    if (systemErrorCode(error) === 'ERR_WORKER_OUT_OF_MEMORY') {
      return `it ran out of memory; its heap may have ${formatBytes(this.#maxMemoryBytes)}`;
    }
    return error instanceof Error ? `it failed: ${error.message}` : `it ended with ${exitCode}`;
  }
}
