/**
 * The busiest and the largest processes of the host, looked up when somebody asks and not before:
 * reading them all takes longer than everything else that is measured.
 *
 * How busy a process is takes two readings. A call finds the first one from the call before, when
 * that is not long ago; otherwise it makes two. Calls at the same time share one answer.
 */
import { readdirSync, statSync } from 'node:fs';

import { untilAborted } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { counterDelta } from '#metrics/counter-delta.ts';
import type { ProcessReading, ProcessSource, TopProcessesQuery } from '#metrics/process-source.ts';
import { readPageSize } from './page-size.ts';
import { parseProcessStat } from './process-stat.ts';
import type { ProcessStat } from './process-stat.ts';
import { readSysfsText } from './sysfs-file.ts';

export interface ProcessTableOptions {
  readonly procRoot: string;
  readonly clock: Clock;
}

/** Between two readings: shorter would show noise, longer would keep the caller waiting. */
const APART_MS = 200;
/** A reading older than this tells what was, not what is. */
const STALE_MS = 15 * SECOND_MS;
const MOST_PROCESSES = 50_000;
export const MOST_TOP_PROCESSES = 200;
/** So many are read before other work gets its turn. */
const BATCH = 100;
/** The kernel counts time in hundredths of a second towards programs, whatever it uses inside. */
const TICK_MS = 10;

interface Census {
  readonly atMs: number;
  readonly processes: ReadonlyMap<number, ProcessStat>;
}

interface Comparison {
  readonly before: Census;
  readonly after: Census;
}

export class ProcessTable implements ProcessSource {
  readonly #options: ProcessTableOptions;
  readonly #pageBytes: number;
  #latest: Comparison | undefined;
  #underWay: Promise<Comparison> | undefined;

  constructor(options: ProcessTableOptions) {
    this.#options = options;
    this.#pageBytes = readPageSize(options.procRoot);
  }

  /** At most MOST_TOP_PROCESSES, the greatest first. */
  async top({ by, limit }: TopProcessesQuery, signal: AbortSignal): Promise<ProcessReading[]> {
    const { before, after } = await untilAborted(this.#compare(), signal);
    const elapsedMs = after.atMs - before.atMs;
    const rows = [...after.processes].map(([pid, stat]) => {
      const earlier = before.processes.get(pid);
      // One that has come meanwhile has used all its time since.
      const from = earlier?.startTicks === stat.startTicks ? earlier.cpuTicks : 0;
      const ticks = counterDelta(from, stat.cpuTicks, elapsedMs) ?? 0;
      return { pid, stat, cpuBps: Math.round((ticks * TICK_MS * 10_000) / elapsedMs) };
    });
    const ranked = rows.toSorted((a, b) => {
      const byCpu = b.cpuBps - a.cpuBps;
      const byMemory = b.stat.residentPages - a.stat.residentPages;
      return (by === 'cpu' ? byCpu || byMemory : byMemory || byCpu) || a.pid - b.pid;
    });
    const count = Math.max(0, Math.min(limit, MOST_TOP_PROCESSES));
    return ranked.slice(0, count).map(({ pid, stat, cpuBps }) => ({
      pid,
      name: stat.name,
      userId: this.#userIdOf(pid),
      cpuBps,
      memoryBytes: stat.residentPages * this.#pageBytes,
      state: stat.state,
      threads: stat.threads,
    }));
  }

  #compare(): Promise<Comparison> {
    const ageMs = this.#options.clock.monotonicMs() - (this.#latest?.after.atMs ?? -Infinity);
    if (this.#latest !== undefined && ageMs < APART_MS) return Promise.resolve(this.#latest);
    this.#underWay ??= this.#readTwice().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #readTwice(): Promise<Comparison> {
    const { clock } = this.#options;
    const known = this.#latest?.after;
    const isRecent = known !== undefined && clock.monotonicMs() - known.atMs <= STALE_MS;
    const before = isRecent ? known : await this.#takeCensus();
    if (!isRecent) await clock.sleep(APART_MS);
    this.#latest = { before, after: await this.#takeCensus() };
    return this.#latest;
  }

  async #takeCensus(): Promise<Census> {
    const { procRoot, clock } = this.#options;
    const atMs = clock.monotonicMs();
    const processes = new Map<number, ProcessStat>();
    const names = readdirSync(procRoot).filter((name) => /^\d{1,10}$/.test(name));
    for (const [at, name] of names.slice(0, MOST_PROCESSES).entries()) {
      if (at % BATCH === BATCH - 1) await nextTurn();
      // Processes end while they are counted, and some are hidden from this user.
      const text = readSysfsText(`${procRoot}/${name}/stat`);
      const stat = text === undefined ? undefined : parseProcessStat(text);
      if (stat !== undefined) processes.set(Number(name), stat);
    }
    return { atMs, processes };
  }

  #userIdOf(pid: number): number | undefined {
    return statSync(`${this.#options.procRoot}/${pid}`, { throwIfNoEntry: false })?.uid;
  }
}

function nextTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}
