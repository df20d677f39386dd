/**
 * The log of one app: JSON lines in `app.log`, which becomes `app.log.1` when it has reached its
 * cap. Writing never holds an app up: lines gather while the disk is busy, up to a bound, and what
 * comes beyond it is dropped and told of. Lines are kept as they came, control characters and all;
 * whoever shows them on a terminal has to make those visible.
 */
import { appendFile, mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import { SerialQueue } from '#kernel/serial-queue.ts';
import { MIB } from '#kernel/units.ts';
import { LogFollower } from './log-follower.ts';
import { tailLines } from './log-tail.ts';

/** `drover` is what the platform has to say about the app. */
export const LOG_STREAMS = ['stdout', 'stderr', 'drover'] as const;
export type LogStream = (typeof LOG_STREAMS)[number];

export interface AppLogLine {
  readonly at: number;
  readonly version: string;
  readonly stream: LogStream;
  readonly line: string;
}

export interface AppLogOptions {
  readonly directory: string;
  /** Of each of the two files. */
  readonly capBytes: number;
  readonly clock: Clock;
  readonly log: Log;
}

const MOST_READ_LINES = 10_000;
const MOST_READ_BYTES = 8 * MIB;
const LONGEST_LINE = 8192;
const MOST_PENDING_BYTES = 1 * MIB;
const BATCH_BYTES = 32 * 1024;
const MOST_FOLLOWERS = 50;

interface Pending {
  readonly text: string;
  readonly bytes: number;
  readonly number: number;
}

export class AppLog implements AsyncDisposable {
  readonly #options: AppLogOptions;
  readonly #path: string;
  readonly #files = new SerialQueue();
  readonly #followers = new Set<LogFollower>();
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #isWriting = false;
  /** Of the file, once it is known. */
  #size: number | undefined;
  /** Lines are numbered as they come, to know which of them are in the file. */
  #lastNumber = 0;
  #writtenNumber = 0;
  #dropped = 0;
  #hasFailed = false;
  #isClosed = false;

  constructor(options: AppLogOptions) {
    this.#options = options;
    this.#path = join(options.directory, 'app.log');
  }

  append(version: string, stream: LogStream, line: string): void {
    if (this.#isClosed) return;
    const isLong = line.length > LONGEST_LINE;
    const kept = isLong ? `${line.slice(0, LONGEST_LINE)}… (${line.length} characters)` : line;
    const entry = { at: this.#options.clock.nowMs(), version, stream, line: kept };
    this.#lastNumber += 1;
    for (const follower of this.#followers) follower.push(entry, this.#lastNumber);
    const text = `${JSON.stringify(entry)}\n`;
    const bytes = Buffer.byteLength(text);
    if (this.#pendingBytes + bytes > MOST_PENDING_BYTES) {
      this.#dropped += 1;
      return;
    }
    this.#pending.push({ text, bytes, number: this.#lastNumber });
    this.#pendingBytes += bytes;
    this.#startWriting();
  }

  /** The newest, oldest first; fewer when they are very long. */
  async read({ lines }: { readonly lines: number }): Promise<readonly AppLogLine[]> {
    return await this.#files.run(async () => {
      await this.#writePending();
      return await this.#readTail(lines);
    });
  }

  /** The newest `lines`, then whatever comes, until the signal aborts or the app is removed. */
  follow(signal: AbortSignal, { lines = 0 } = {}): AsyncIterableIterator<AppLogLine> {
    if (this.#followers.size >= MOST_FOLLOWERS) {
      const message = `at most ${MOST_FOLLOWERS} can follow the log of an app at the same time`;
      throw new DroverError('resource_exhausted', message, { reason: 'TOO_MANY_FOLLOWERS' });
    }
    const follower = new LogFollower(signal, () => this.#followers.delete(follower));
    if (this.#isClosed) follower.end();
    else this.#followers.add(follower);
    return follower.lines(lines === 0 ? undefined : () => this.#catchUp(lines));
  }

  /** Writes what has come, and ends those who follow. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const follower of this.#followers) follower.end();
    await this.#files.run(() => this.#writePending());
  }

  /** What is in the file, and the number of its last line: a follower skips up to there. */
  async #catchUp(lines: number) {
    return await this.#files.run(async () => {
      await this.#writePending();
      const upTo = this.#writtenNumber;
      return { past: await this.#readTail(lines), upTo };
    });
  }

  #startWriting(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    void this.#files
      .run(() => this.#writePending())
      .finally(() => {
        this.#isWriting = false;
        if (this.#pending.length > 0) this.#startWriting();
      });
  }

  /** Never rejects: a log that cannot be written must not stop what it tells of. */
  async #writePending(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#write(batch.text);
        this.#hasFailed = false;
      } catch (error) {
        this.#dropped += batch.count;
        this.#size = undefined;
        if (!this.#hasFailed) this.#options.log.warn({ error }, "an app's log cannot be written");
        this.#hasFailed = true;
      }
      this.#writtenNumber = batch.lastNumber;
    }
  }

  #takeBatch(): { text: string; count: number; lastNumber: number } {
    let count = 0;
    let bytes = 0;
    for (const pending of this.#pending) {
      if (count > 0 && bytes + pending.bytes > BATCH_BYTES) break;
      bytes += pending.bytes;
      count += 1;
    }
    const batch = this.#pending.slice(0, count);
    this.#pending = this.#pending.slice(count);
    this.#pendingBytes -= bytes;
    const text = batch.map((it) => it.text).join('');
    return { text, count, lastNumber: batch.at(-1)?.number ?? this.#writtenNumber };
  }

  async #write(batch: string): Promise<void> {
    const dropped = this.#dropped;
    const text = dropped === 0 ? batch : `${this.#noteOfDropped(dropped)}${batch}`;
    const bytes = Buffer.byteLength(text);
    this.#size ??= await this.#openFile();
    if (this.#size > 0 && this.#size + bytes > this.#options.capBytes) {
      await rename(this.#path, `${this.#path}.1`);
      this.#size = 0;
    }
    await appendFile(this.#path, text, { mode: 0o600 });
    this.#size += bytes;
    this.#dropped -= dropped;
  }

  #noteOfDropped(count: number): string {
    const line = `${count} lines were dropped: they came faster than they could be written`;
    const at = this.#options.clock.nowMs();
    return `${JSON.stringify({ at, version: '', stream: 'drover', line })}\n`;
  }

  /** Answers the size. A line that a crash cut short is ended, so that the next is not lost. */
  async #openFile(): Promise<number> {
    await mkdir(this.#options.directory, { recursive: true, mode: 0o700 });
    await using file = await open(this.#path, 'a+', 0o600);
    const { size } = await file.stat();
    if (size === 0) return 0;
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    if (buffer.toString('latin1') === '\n') return size;
    await file.appendFile('\n');
    return size + 1;
  }

  async #readTail(wanted: number): Promise<readonly AppLogLine[]> {
    const most = Math.min(wanted, MOST_READ_LINES);
    const limits = { mostLines: most, mostBytes: MOST_READ_BYTES };
    const newer = await this.#readFile(this.#path, limits);
    if (newer.length >= most) return newer;
    const rest = { ...limits, mostLines: most - newer.length };
    return [...(await this.#readFile(`${this.#path}.1`, rest)), ...newer];
  }

  async #readFile(
    path: string,
    limits: { readonly mostLines: number; readonly mostBytes: number },
  ): Promise<AppLogLine[]> {
    try {
      return (await tailLines(path, limits)).flatMap((line) => parseLine(line) ?? []);
    } catch (thrown) {
      if (systemErrorCode(thrown) === 'ENOENT') return [];
      throw thrown;
    }
  }
}

/** Undefined for what a crash left of a line. */
function parseLine(text: string): AppLogLine | undefined {
  try {
    const raw = JSON.parse(text) as Partial<Record<keyof AppLogLine, unknown>>;
    const { at, version, line } = raw;
    const stream = LOG_STREAMS.find((name) => name === raw.stream);
    if (typeof at !== 'number' || typeof version !== 'string') return undefined;
    if (stream === undefined || typeof line !== 'string') return undefined;
    return { at, version, stream, line };
  } catch {
    // What is left of it helps nobody.
    return undefined;
  }
}
