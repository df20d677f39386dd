/**
 * Holds a virsh that uploads a disk to a pace, and says how far it is. virsh has no option for
 * either, and reads the file itself, so as to leave its holes out.
 *
 *   it runs for a slice ──▶ what it wrote meanwhile is taken from the limit ──▶ it runs on
 *          ▲                        │ not to be had yet: virsh is held
 *          └────────────────────────┘ until it is, but for a moment now and then
 *
 * What always holds:
 * - In a slice more may go than the limit allows. It is paid for before the next one, so on average
 *   it is never more; slices are short while virsh has to be held for long.
 * - virsh is never held for long at a time: it has to answer its libvirt, which takes it for dead
 *   after half a minute. What goes in such a moment is more than the least of limits allows.
 * - It is not held when this ends, however it ends.
 */
import type { RateLimiter } from '#disks/rate-limiter.ts';
import type { Clock } from '#kernel/clock.ts';
import { MIB, SECOND_MS } from '#kernel/units.ts';
import type { UploadMeter } from './upload-meter.ts';
import type { RunningVirsh } from './virsh.ts';

export interface UploadPaceOptions {
  readonly clock: Clock;
  readonly meter: UploadMeter;
  readonly limiter: RateLimiter;
  readonly onProgress: (doneBytes: number) => void;
}

const SHORTEST_SLICE_MS = 2;
const LONGEST_SLICE_MS = 50;
/** Slices become longer while virsh is held for less than this after each, and else shorter. */
const LIKED_HOLD_MS = 100;
const MOST_HELD_MS = 10 * SECOND_MS;
/** For virsh to answer in: until it is seen to have done something, or so many looks. */
const LOOK_MS = 2;
const MOST_LOOKS = 25;
/** A limit that changes is noticed from one piece to the next. */
const LEAST_PIECE_BYTES = MIB / 16;
const MOST_PIECES = 16;
/** While it is held. */
const WAKE_MS = SECOND_MS;
const REPORT_MS = 250;

export async function paceUpload(virsh: RunningVirsh, options: UploadPaceOptions): Promise<void> {
  try {
    await new UploadPace(virsh, options).follow();
  } catch (thrown) {
    // Whoever waits for a virsh that has ended waits no longer.
    if (!virsh.ended.aborted) throw thrown;
  } finally {
    virsh.release();
  }
}

class UploadPace {
  readonly #virsh: RunningVirsh;
  readonly #options: UploadPaceOptions;
  #paidBytes = 0;
  #heldAtMs: number | undefined;
  #reportedAtMs = -Infinity;
  #doneBytes = 0;

  constructor(virsh: RunningVirsh, options: UploadPaceOptions) {
    this.#virsh = virsh;
    this.#options = options;
  }

  async follow(): Promise<void> {
    const { clock, meter } = this.#options;
    let sliceMs = SHORTEST_SLICE_MS;
    for (;;) {
      await clock.sleep(sliceMs, this.#virsh.ended);
      const writtenBytes = (await meter.writtenBytes()) ?? 0;
      if (writtenBytes > this.#paidBytes) {
        const startMs = clock.monotonicMs();
        await this.#pay(writtenBytes);
        sliceMs = sliceAfter(sliceMs, clock.monotonicMs() - startMs);
      }
      await this.#report();
    }
  }

  /** Returns when all that was written is paid for, with virsh running. */
  async #pay(writtenBytes: number): Promise<void> {
    const owedBytes = writtenBytes - this.#paidBytes;
    const pieceBytes = Math.max(LEAST_PIECE_BYTES, Math.ceil(owedBytes / MOST_PIECES));
    while (this.#paidBytes < writtenBytes) {
      const bytes = Math.min(pieceBytes, writtenBytes - this.#paidBytes);
      let isPaid = false;
      const paying = this.#options.limiter.take(bytes, this.#virsh.ended).then(() => {
        isPaid = true;
      });
      // It is waited for below, but not from this moment on.
      paying.catch(() => undefined);
      // Most often it is to be had at once, and virsh runs on.
      await untilNextTurn();
      while (!isPaid) await this.#holdFor(paying);
      this.#paidBytes += bytes;
    }
    this.#release();
  }

  /** Until it is paid, or it is time for virsh to have its moment. */
  async #holdFor(paying: Promise<void>): Promise<void> {
    const { clock } = this.#options;
    if (this.#heldAtMs === undefined) {
      this.#virsh.hold();
      this.#heldAtMs = clock.monotonicMs();
    }
    const { promise: woken, resolve } = Promise.withResolvers<void>();
    using _timer = clock.after(WAKE_MS, resolve);
    await Promise.race([paying, woken]);
    await this.#report();
    if (clock.monotonicMs() - this.#heldAtMs >= MOST_HELD_MS) await this.#letAnswer();
  }

  async #letAnswer(): Promise<void> {
    const { clock, meter } = this.#options;
    const before = await meter.writtenBytes();
    this.#release();
    for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
      await clock.sleep(LOOK_MS, this.#virsh.ended);
      if ((await meter.writtenBytes()) !== before) return;
    }
  }

  #release(): void {
    if (this.#heldAtMs === undefined) return;
    this.#heldAtMs = undefined;
    this.#virsh.release();
  }

  async #report(): Promise<void> {
    const { clock, meter, onProgress } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#reportedAtMs < REPORT_MS) return;
    this.#reportedAtMs = nowMs;
    this.#doneBytes = (await meter.position()) ?? this.#doneBytes;
    // Where it has not moved as well: whoever hears of it looks for another limit.
    onProgress(this.#doneBytes);
  }
}

/** Such that virsh is to be held for about as long as it should be, or not at all. */
function sliceAfter(sliceMs: number, heldMs: number): number {
  const fitting = (sliceMs * LIKED_HOLD_MS) / Math.max(heldMs, LIKED_HOLD_MS / 2);
  return Math.min(Math.max(fitting, SHORTEST_SLICE_MS), LONGEST_SLICE_MS);
}

function untilNextTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}
