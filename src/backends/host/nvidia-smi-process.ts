/**
 * nvidia-smi as one long-running child, since starting it takes up to seconds.
 *
 *   absent ──5 min──▶ starting ──a line──▶ reporting
 *     ▲                 │  │                  │  │
 *     └─no such program─┘  └──────ended───────┘  └─silent too long: killed, until it has ended─┐
 *                                  │◀─────────────────────────────────────────────────────────┘
 *                               resting ──backoff──▶ starting
 *
 * There is never more than one child. It is looked after in `poll`, so there are no timers here.
 * Should this process be killed, the child ends by itself: it writes into a pipe nobody reads.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';

import { backoffMs } from '#kernel/backoff.ts';
import type { Clock } from '#kernel/clock.ts';
import { systemErrorCode } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { nvidiaSmiArguments, parseNvidiaSmiRow } from './nvidia-smi-row.ts';
import type { NvidiaGpu } from './nvidia-smi-row.ts';

export interface NvidiaSmiOptions {
  /** The program; found by PATH when it is a bare name. */
  readonly program: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** It understands whole seconds only; and no more than this, so that a row is never old. */
const SLOWEST_SECONDS = 10;
const LOOK_AGAIN_MS = 5 * MINUTE_MS;
const FIRST_PAUSE_MS = 2 * SECOND_MS;
const LONGEST_PAUSE_MS = 5 * MINUTE_MS;
/** The first line takes long where the driver is not kept loaded. */
const SILENCE_MS = 30 * SECOND_MS;
const MOST_LINE_CHARS = 4096;
const MOST_GPUS = 128;
const END_MS = 2 * SECOND_MS;

interface SeenGpu {
  readonly gpu: NvidiaGpu;
  readonly seenAtMs: number;
}

export class NvidiaSmiProcess implements AsyncDisposable {
  readonly #options: NvidiaSmiOptions;
  #child: ChildProcess | undefined;
  #everyMs = SECOND_MS;
  #nextStartMs = -Infinity;
  #failures = 0;
  #lastHeardMs = 0;
  #partialLine = '';
  #hasRows = false;
  #lastWords = '';
  /** Why there is nothing although the program exists. */
  #trouble: string | undefined;
  readonly #seen = new Map<number, SeenGpu>();

  constructor(options: NvidiaSmiOptions) {
    this.#options = options;
  }

  /** Starts the program when its time has come, and answers what it told of late, in order. */
  poll(intervalMs: number): readonly NvidiaGpu[] {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#child === undefined && nowMs >= this.#nextStartMs) this.#start(intervalMs);
    else if (this.#child !== undefined && nowMs - this.#lastHeardMs > this.#patienceMs()) {
      this.#lastWords = 'it fell silent';
      this.#child.kill('SIGKILL');
    }
    const freshMs = 3 * this.#everyMs + SECOND_MS;
    return [...this.#seen.values()]
      .filter(({ seenAtMs }) => nowMs - seenAtMs <= freshMs)
      .map(({ gpu }) => gpu)
      .toSorted((a, b) => a.index - b.index);
  }

  /** Set when the program is there and tells nothing: a driver that is broken, or does not fit. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#nextStartMs = Infinity;
    const child = this.#child;
    // Without a number it was never started: the program is not there.
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    // One that hangs in its driver cannot be ended by anybody, and is not waited for.
    const { promise: late, resolve } = Promise.withResolvers<void>();
    using _timer = this.#options.clock.after(END_MS, () => {
      child.kill('SIGKILL');
      resolve();
    });
    await Promise.race([ended, late]);
  }

  #start(intervalMs: number): void {
    const { program, clock } = this.#options;
    const seconds = Math.min(SLOWEST_SECONDS, Math.max(1, Math.round(intervalMs / SECOND_MS)));
    this.#everyMs = seconds * SECOND_MS;
    this.#lastHeardMs = clock.monotonicMs();
    this.#partialLine = '';
    this.#lastWords = '';
    this.#hasRows = false;
    const child = spawn(program, nvidiaSmiArguments(seconds), {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#child = child;
    // Neither the child nor its pipe keeps this process alive.
    child.unref();
    if (child.stdout instanceof Socket) child.stdout.unref();
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => this.#read(text));
    child.once('error', (error) => this.#notStarted(error));
    child.once('close', () => this.#ended());
  }

  #read(text: string): void {
    this.#lastHeardMs = this.#options.clock.monotonicMs();
    const lines = (this.#partialLine + text).split('\n');
    this.#partialLine = (lines.pop() ?? '').slice(0, MOST_LINE_CHARS);
    for (const line of lines) this.#take(line.trim());
  }

  #take(line: string): void {
    if (line === '') return;
    const gpu = parseNvidiaSmiRow(line);
    if (gpu === undefined) {
      this.#lastWords = line.slice(0, 200);
      return;
    }
    this.#hasRows = true;
    this.#failures = 0;
    this.#trouble = undefined;
    const known = this.#seen.get(gpu.index);
    if (known === undefined && this.#seen.size >= MOST_GPUS) return;
    // A GPU that fails may lose its name; it is still the same one.
    const isSame = known !== undefined && known.gpu.uuid === gpu.uuid;
    const model = gpu.model !== '' ? gpu.model : isSame ? known.gpu.model : 'unknown';
    const seenAtMs = this.#options.clock.monotonicMs();
    this.#seen.set(gpu.index, { gpu: { ...gpu, model }, seenAtMs });
  }

  #notStarted(error: Error): void {
    if (this.#child?.pid !== undefined) return;
    this.#child = undefined;
    const nowMs = this.#options.clock.monotonicMs();
    this.#nextStartMs = Math.max(this.#nextStartMs, nowMs + LOOK_AGAIN_MS);
    // Most hosts have no NVIDIA driver; that is nothing to report.
    if (systemErrorCode(error) === 'ENOENT') this.#trouble = undefined;
    else this.#trouble = error.message;
  }

  #ended(): void {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const { clock, log, program } = this.#options;
    const pauseMs = backoffMs(this.#failures, FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    this.#failures += 1;
    this.#nextStartMs = Math.max(this.#nextStartMs, clock.monotonicMs() + pauseMs);
    if (this.#nextStartMs === Infinity) return;
    const { exitCode, signalCode } = child;
    if (!this.#hasRows)
      this.#trouble = this.#lastWords || `it ended with ${exitCode ?? signalCode}`;
    const fields = { program, exitCode, signalCode, lastWords: this.#lastWords, pauseMs };
    log.warn(fields, 'nvidia-smi ended; it will be started again');
  }

  #patienceMs(): number {
    return Math.max(SILENCE_MS, 3 * this.#everyMs);
  }
}
