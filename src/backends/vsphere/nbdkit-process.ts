/**
 * One nbdkit, which gives one disk over a socket in a directory that only we can enter.
 *
 *   spawn ─▶ it listens (its pid file appears) ─▶ … ─▶ SIGTERM ─▶ SIGKILL ─▶ the directory is gone
 *               └─▶ it ended by itself: `ended` aborts with the last that it said
 *
 * It ends when we do, however we end. The password goes through a pipe: arguments are for everybody
 * to see. What it says is kept up to a few lines, without the password.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, watch } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';

const START_MS = 30 * SECOND_MS;
/** To log out of vCenter. */
const GRACE_MS = SECOND_MS;
const MOST_WORDS = 4096;
const LAST_LINES = 4;
const PASSWORD_FD = 3;

export interface NbdkitOptions {
  readonly program: string;
  /** The plugin and its parameters, without the password. */
  readonly args: readonly string[];
  readonly password: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** What it reads, for errors. */
  readonly label: string;
}

export class NbdkitProcess implements AsyncDisposable {
  readonly socketPath: string;
  readonly #options: NbdkitOptions;
  readonly #directory: string;
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;
  readonly #ended = new AbortController();
  #words = '';
  #isStopping = false;

  private constructor(options: NbdkitOptions, directory: string) {
    const { program, args, password, environment } = options;
    this.#options = options;
    this.#directory = directory;
    this.socketPath = join(directory, 'socket');
    const where = ['-U', this.socketPath, '-P', this.#pidPath];
    this.#child = spawn(
      program,
      ['-r', '-f', '--exit-with-parent', ...where, ...args, `password=-${PASSWORD_FD}`],
      // In a group of its own: it is told to end by us, and not by a key that is pressed.
      { env: { ...environment }, stdio: ['ignore', 'ignore', 'pipe', 'pipe'], detached: true },
    );
    const decoder = new StringDecoder('utf8');
    this.#child.stderr?.on('data', (part: Buffer) => this.#hear(decoder.write(part)));
    const pipe = this.#child.stdio[PASSWORD_FD];
    if (pipe instanceof Writable) {
      pipe.on('error', () => undefined);
      pipe.end(`${password}\n`);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closed = promise;
    this.#child.on('error', (error) => this.#hear(`${error.message}\n`));
    this.#child.on('close', (code, signal) => {
      const how = signal ?? `status ${String(code)}`;
      if (!this.#isStopping) this.#ended.abort(this.failure(`ended (${how})`));
      resolve();
    });
  }

  static async start(options: NbdkitOptions, signal: AbortSignal): Promise<NbdkitProcess> {
    signal.throwIfAborted();
    await using stack = new AsyncDisposableStack();
    const directory = await mkdtemp(join(tmpdir(), 'drover-nbdkit-'));
    stack.defer(() => rm(directory, { recursive: true, force: true }));
    const nbdkit = stack.use(new NbdkitProcess(options, directory));
    await nbdkit.#listens(signal);
    stack.move();
    return nbdkit;
  }

  /** Aborts, with the reason, when it ended without having been told to. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** An error that ends with the last that nbdkit said. */
  failure(what: string): DroverError {
    const words = this.lastWords;
    const { label } = this.#options;
    const why = words === '' ? '' : `: ${words}`;
    return new DroverError('unavailable', `nbdkit, which reads ${label}, ${what}${why}`, {
      reason: 'NBDKIT_FAILED',
    });
  }

  /** In one line; nothing when it has said nothing. */
  get lastWords(): string {
    const lines = this.#words
      .split(/[\r\n]+/)
      .map((line) => line.replace(/^nbdkit: (?:[\w-]+\[\d+\]: )?(?:error: )?/, '').trim());
    const told = lines.filter((line) => line !== '').slice(-LAST_LINES);
    return told.join('; ').replaceAll(/\p{Cc}/gu, ' ');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    this.#child.kill('SIGTERM');
    using _timer = this.#options.clock.after(GRACE_MS, () => void this.#child.kill('SIGKILL'));
    await this.#closed;
    await rm(this.#directory, { recursive: true, force: true });
  }

  get #pidPath(): string {
    return join(this.#directory, 'pid');
  }

  async #listens(signal: AbortSignal): Promise<void> {
    const { clock, label } = this.#options;
    using deadline = openDeadline(clock, START_MS, `starting nbdkit for ${label}`, signal);
    const either = AbortSignal.any([deadline.signal, this.#ended.signal]);
    try {
      // It begins to watch at once, before the child can have done anything.
      for await (const _change of watch(this.#directory, { signal: either })) {
        if (existsSync(this.#pidPath)) return;
      }
    } finally {
      either.throwIfAborted();
    }
  }

  /** The password may be in two parts, so what was heard is looked at as a whole. */
  #hear(text: string): void {
    const { password } = this.#options;
    const all = `${this.#words}${text}`;
    const plain = password === '' ? all : all.replaceAll(password, '***');
    this.#words = plain.slice(-MOST_WORDS);
  }
}
