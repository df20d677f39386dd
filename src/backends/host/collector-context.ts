/** What the collectors of a host are made with. */
import type { Clock } from '#kernel/clock.ts';
import type { Collector, Tick } from '#metrics/collector.ts';
import type { MetricFamily, MetricKind } from '#metrics/metric-family.ts';
import type { SampleTable } from '#metrics/sample-table.ts';
import type { ProcReader } from './proc-file.ts';

export interface CollectorContext {
  readonly table: SampleTable;
  readonly reader: ProcReader;
  /** `/proc` */
  readonly procRoot: string;
  /** `/sys` */
  readonly sysRoot: string;
  /** What /etc, /run and /usr are read below; empty for the root directory. */
  readonly fileRoot: string;
  readonly clock: Clock;
}

/** Attributes that hardly ever change are read this seldom. */
export const SELDOM_MS = 30_000;

export interface CollectorParts {
  readonly name: string;
  readonly collect: (tick: Tick) => void;
  /** Closed when the collector is disposed. */
  readonly files?: Iterable<Disposable>;
  readonly dispose?: () => void;
}

export function createCollector({ name, collect, files = [], dispose }: CollectorParts): Collector {
  return {
    name,
    collect,
    [Symbol.asyncDispose]: async () => {
      for (const file of files) file[Symbol.dispose]();
      dispose?.();
    },
  };
}

/** A family whose samples are what it says, or a power of ten finer. */
export function family(name: string, kind: MetricKind, help: string, scale = 0): MetricFamily {
  return { name, kind, help, scale };
}

/** True at first and then once in each `SELDOM_MS`. */
export class SeldomTurn {
  #nextAtMs = -Infinity;

  isDue(tick: Tick): boolean {
    if (tick.monotonicMs < this.#nextAtMs) return false;
    this.#nextAtMs = tick.monotonicMs + SELDOM_MS;
    return true;
  }

  /** Makes the next turn come at once. */
  hasten(): void {
    this.#nextAtMs = -Infinity;
  }
}

/** For readings: what could not be read, or cannot be told exactly, is absent. */
export function wholeOrAbsent(value: number | undefined): number | undefined {
  return Number.isSafeInteger(value) ? value : undefined;
}
