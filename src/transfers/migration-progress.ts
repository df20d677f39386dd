/** What a migration shows of itself: its stage, percent that never fall, a rate, time left. */
import type { JobProgress } from '#jobs/job.ts';
import type { Clock } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';

export const STAGES = [
  ...(['discover', 'preflight', 'stop', 'transfer', 'verify', 'prepare'] as const),
  ...(['send', 'adopt', 'define', 'start', 'done'] as const),
];
export type Stage = (typeof STAGES)[number];

type Begins = Readonly<Record<Stage, number>>;

/** At which percent each stage begins. Nearly all of the time goes into the first big one. */
const BEGINS: Begins = {
  ...{ discover: 0, preflight: 1, stop: 2, transfer: 3, verify: 80, prepare: 93 },
  ...{ send: 96, adopt: 96, define: 97, start: 98, done: 100 },
};
/** Where the disks then go over a network once more. */
const BEGINS_IF_SENT: Begins = { ...BEGINS, verify: 47, prepare: 55, send: 58 };
/** Stages in which bytes move, and what follows each. */
const MOVING: Partial<Readonly<Record<Stage, Stage>>> = {
  ...{ transfer: 'verify', verify: 'prepare', send: 'adopt' },
};
/** Long enough that a stall of a moment does not make the time left jump. */
const RATE_WINDOW_MS = 10 * SECOND_MS;

interface Part {
  readonly name: string;
  readonly capacityBytes: number;
  totalBytes: number;
  doneBytes: number;
}

interface ProgressOptions {
  readonly clock: Clock;
  readonly report: (progress: JobProgress) => void;
}

export class MigrationProgress {
  readonly #clock: Clock;
  #begins = BEGINS;
  readonly #report: ProgressOptions['report'];
  readonly #parts = new Map<string, Part>();
  readonly #marks: { readonly atMs: number; readonly bytes: number }[] = [];
  #stage: Stage = 'discover';
  #message: string | undefined;

  constructor({ clock, report }: ProgressOptions) {
    this.#clock = clock;
    this.#report = report;
  }

  /** Before the first disk is copied: some are sent on, once they are written. */
  expectSending(): void {
    this.#begins = BEGINS_IF_SENT;
  }

  enter(stage: Stage, message?: string): void {
    if (this.#stage === 'send') this.#restoreParts();
    this.#stage = stage;
    this.#message = message;
    this.#marks.length = 0;
    if (stage === 'verify') for (const part of this.#parts.values()) part.doneBytes = 0;
    this.#tell();
  }

  /** The images that are sent are as long as what is in them, and not as the disks. */
  enterSending(lengths: ReadonlyMap<string, number>): void {
    for (const [key, part] of this.#parts) {
      part.doneBytes = 0;
      part.totalBytes = lengths.get(key) ?? 0;
    }
    this.enter('send');
  }

  /** What the stage is at. */
  say(message: string): void {
    this.#message = message;
    this.#tell();
  }

  /** What there is to copy, and later to check. */
  setParts(parts: readonly { readonly key: string; readonly name: string; totalBytes: number }[]) {
    for (const { key, name, totalBytes } of parts) {
      this.#parts.set(key, { name, capacityBytes: totalBytes, totalBytes, doneBytes: 0 });
    }
  }

  advance(key: string, doneBytes: number): void {
    const part = this.#parts.get(key);
    if (part === undefined || doneBytes <= part.doneBytes) return;
    part.doneBytes = Math.min(doneBytes, part.totalBytes);
    this.#tell();
  }

  /** What an earlier attempt did is no part of the rate. */
  resume(key: string, doneBytes: number): void {
    if (doneBytes > (this.#parts.get(key)?.doneBytes ?? Infinity)) this.#marks.length = 0;
    this.advance(key, doneBytes);
  }

  /** From 0 to 100, of the disks alone: what a lease is told. */
  get copyPercent(): number {
    const { doneBytes, totalBytes } = this.#sum();
    return totalBytes === 0 ? 0 : (100 * doneBytes) / totalBytes;
  }

  #tell(): void {
    const { doneBytes, totalBytes } = this.#sum();
    const bytesPerSecond = this.#rate(doneBytes);
    const left = totalBytes - doneBytes;
    this.#report({
      ...{ stage: this.#stage, percent: this.#percent(doneBytes, totalBytes) },
      ...{ doneBytes, totalBytes: totalBytes === 0 ? undefined : totalBytes, bytesPerSecond },
      // When all has moved, what is still to be done takes as long as it takes.
      secondsLeft: bytesPerSecond && left > 0 ? left / bytesPerSecond : undefined,
      message: this.#message,
      parts: [...this.#parts.values()].map(({ capacityBytes: _, ...part }) => part),
    });
  }

  #percent(doneBytes: number, totalBytes: number): number {
    const begin = this.#begins[this.#stage];
    const next = MOVING[this.#stage];
    if (next === undefined || totalBytes === 0) return begin;
    return begin + ((this.#begins[next] - begin) * doneBytes) / totalBytes;
  }

  #restoreParts(): void {
    for (const part of this.#parts.values()) {
      part.totalBytes = part.capacityBytes;
      part.doneBytes = part.capacityBytes;
    }
  }

  #rate(bytes: number): number | undefined {
    const atMs = this.#clock.monotonicMs();
    const newest = this.#marks.at(-1);
    if (newest === undefined || atMs - newest.atMs >= SECOND_MS / 4) {
      this.#marks.push({ atMs, bytes });
    }
    while (this.#marks.length > 2 && atMs - (this.#marks[0]?.atMs ?? atMs) > RATE_WINDOW_MS) {
      this.#marks.shift();
    }
    const [first] = this.#marks;
    if (first === undefined || atMs - first.atMs < SECOND_MS) return undefined;
    return ((bytes - first.bytes) * SECOND_MS) / (atMs - first.atMs);
  }

  #sum(): { readonly doneBytes: number; readonly totalBytes: number } {
    let doneBytes = 0;
    let totalBytes = 0;
    for (const part of this.#parts.values()) {
      doneBytes += part.doneBytes;
      totalBytes += part.totalBytes;
    }
    return { doneBytes, totalBytes };
  }
}
