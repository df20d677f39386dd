/**
 * Reads what the members take: of those at work every second, of the others every ten. One that
 * takes more than its app may is ended at once; at nine tenths of that it is replaced.
 */
import { SECOND_MS } from '#kernel/units.ts';
import type { AppPool } from './app-pool.ts';
import { workerOutOfMemory } from './pool-errors.ts';
import type { PoolParts } from './pool-parts.ts';
import type { PoolWorker } from './pool-worker.ts';

const IDLE_EVERY_MS = 10 * SECOND_MS;
const SOFT_SHARE = 0.9;
/** A reading is a file of the kernel's, but a thousand of them at once are many. */
const READ_AT_ONCE = 8;

interface Reading {
  readonly app: AppPool | undefined;
  readonly worker: PoolWorker;
}

export class MemoryWatch {
  readonly #parts: PoolParts;
  readonly #due: Reading[] = [];
  #reads = 0;

  constructor(parts: PoolParts) {
    this.#parts = parts;
  }

  /** Every second, of each worker; of no app if it is generic. */
  look(app: AppPool | undefined, worker: PoolWorker, nowMs: number): void {
    if (worker.isMemoryBeingRead || worker.state === 'creating') return;
    const isDue = worker.state === 'active' || nowMs - worker.memoryReadAt >= IDLE_EVERY_MS;
    if (!isDue) return;
    worker.isMemoryBeingRead = true;
    this.#due.push({ app, worker });
    this.#pump();
  }

  #pump(): void {
    while (this.#reads < READ_AT_ONCE) {
      const reading = this.#due.shift();
      if (reading === undefined) return;
      this.#reads += 1;
      void this.#read(reading).finally(() => {
        this.#reads -= 1;
        this.#pump();
      });
    }
  }

  async #read({ app, worker }: Reading): Promise<void> {
    const { clock, log, capacity } = this.#parts;
    try {
      // A member that has ended may never answer.
      const reading = worker.member?.memory();
      const memory = await Promise.race([reading, worker.member?.ended.then(() => undefined)]);
      if (memory === undefined || worker.state === 'terminated') return;
      const isFirst = worker.memoryReadAt === -Infinity;
      worker.memoryReadAt = clock.monotonicMs();
      worker.recordMemory(memory);
      // What a thread is shown with is a part of a sum, most of which is not its own; and most of
      // what a small process is shown with is Node's program, which all of them share.
      const ownBytes = memory.ownBytes ?? worker.isolateBytes;
      if (ownBytes === undefined) return;
      capacity.measured(worker.id, ownBytes, isFirst ? worker : undefined);
      if (app !== undefined) this.#judge(app, worker, ownBytes);
    } catch (thrown) {
      log.warn({ worker: worker.id, error: thrown }, 'the memory of a worker cannot be read');
    } finally {
      worker.isMemoryBeingRead = false;
    }
  }

  #judge(app: AppPool, worker: PoolWorker, bytes: number): void {
    const { maxMemoryBytes } = app.app.limits;
    const nowMs = this.#parts.clock.monotonicMs();
    if (bytes > maxMemoryBytes) {
      app.backoff.crashed(nowMs, nowMs - worker.readyAt, 'it takes more memory than max_memory');
      app.end(worker, 'max-memory', { error: workerOutOfMemory(), outcome: 'out-of-memory' });
    } else if (bytes > maxMemoryBytes * SOFT_SHARE) {
      app.recycle(worker, 'max-memory', nowMs);
    }
  }
}
