/** Generic workers kept ready, so that an app does not wait for a process to start. */
import { openDeadline } from '#kernel/abort.ts';
import { toDroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { GENERIC_MEMORY_BYTES, WARM_KEY } from '#workers/worker-app.ts';
import type { EndReason } from '#workers/worker-view.ts';
import { AppMeter } from './app-meter.ts';
import { Ledger } from './ledger.ts';
import { workerCrashed } from './pool-errors.ts';
import type { PoolParts } from './pool-parts.ts';
import { PoolWorker, type WorkerOwner } from './pool-worker.ts';
import { StartBackoff } from './start-backoff.ts';

const START_MS = 30 * SECOND_MS;

export class WarmStock implements WorkerOwner {
  readonly key = WARM_KEY;
  readonly ledger = new Ledger();
  readonly workers = new Set<PoolWorker>();
  readonly meter = new AppMeter();
  readonly #parts: PoolParts;
  readonly #backoff: StartBackoff;
  readonly #onChange: () => void;
  readonly #most: number;
  #target = 0;

  /** `onChange`: one became ready, or left, or a start ended. */
  constructor(parts: PoolParts, most: number, onChange: () => void) {
    this.#parts = parts;
    this.#most = most;
    this.#onChange = onChange;
    this.#backoff = new StartBackoff(parts.chance);
  }

  /** Whether there is an app that could take one over. */
  setWanted(isWanted: boolean): void {
    this.#target = isWanted ? this.#most : 0;
    while (this.workers.size > this.#target && this.evict('surplus'));
  }

  get readyCount(): number {
    return this.ledger.idle;
  }

  isShort(nowMs: number): boolean {
    return this.workers.size < this.#target && this.#backoff.waitMs(nowMs) === 0;
  }

  /** For an app to take over at once. */
  take(): PoolWorker | undefined {
    const worker = this.#firstReady();
    if (worker !== undefined) this.workers.delete(worker);
    return worker;
  }

  /** Ends one to make room; false when there is none. */
  evict(reason: EndReason): boolean {
    const [first] = this.workers;
    const worker = this.#firstReady() ?? first;
    if (worker !== undefined) this.#end(worker, reason);
    return worker !== undefined;
  }

  /** The caller has made sure that there is room. */
  launch(): void {
    const { capacity } = this.#parts;
    const worker = new PoolWorker(this.#parts, this, 'process');
    capacity.take(worker.id, worker.kind);
    capacity.beginStart();
    this.workers.add(worker);
    void this.#bringUp(worker);
  }

  onLost(worker: PoolWorker): void {
    const nowMs = this.#parts.clock.monotonicMs();
    this.#backoff.crashed(nowMs, nowMs - worker.readyAt, 'it ended by itself');
    this.#end(worker, 'crashed');
  }

  async #bringUp(worker: PoolWorker): Promise<void> {
    const { clock, launchers, capacity, log } = this.#parts;
    const launcher = launchers.process;
    using deadline = openDeadline(clock, START_MS, 'the start');
    try {
      const request = { launcher, binding: undefined, maxMemoryBytes: GENERIC_MEMORY_BYTES };
      await worker.launch(request, deadline.signal).finally(() => capacity.endStart());
      if (worker.state !== 'terminated') await worker.assertAlive();
    } catch (thrown) {
      const error = toDroverError(thrown);
      if (worker.state !== 'terminated') {
        this.meter.startFailed();
        this.#backoff.failed(clock.monotonicMs(), error.message);
        log.warn({ worker: worker.id, error }, 'a warm worker does not start');
        this.#end(worker, 'failed-start');
      }
    }
    if (worker.state === 'creating') {
      worker.step('started');
      worker.readyAt = clock.monotonicMs();
      this.meter.started('cold', worker.readyAt - worker.createdAt);
      this.#backoff.started();
    }
    this.#onChange();
  }

  #firstReady(): PoolWorker | undefined {
    if (this.ledger.idle === 0) return undefined;
    for (const worker of this.workers) if (worker.state === 'ready') return worker;
    return undefined;
  }

  #end(worker: PoolWorker, reason: EndReason): void {
    if (worker.state === 'terminated') return;
    worker.terminate(reason);
    this.meter.ended(reason);
    this.workers.delete(worker);
    const error = workerCrashed('it was no longer needed');
    // No app is loaded whose hook could be called.
    void this.#parts.dismiss(worker, { isFriendly: false, error }).then(this.#onChange);
  }
}
