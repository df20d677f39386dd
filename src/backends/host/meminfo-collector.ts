/** What memory is used for, key by key as the kernel tells it, and as a whole. */
import type { MemoryReading } from '#events/resource-snapshot.ts';
import type { Collector } from '#metrics/collector.ts';
import { toBasisPoints } from '#metrics/counter-delta.ts';
import type { LiveSeries } from '#metrics/sample-table.ts';
import { type CollectorContext, createCollector, family } from './collector-context.ts';
import { type KeyedTarget, KeyedLines } from './keyed-lines.ts';

const KIB = 1024;
const SUMMARY_KEYS = new Set(['MemTotal', 'MemFree', 'MemAvailable', 'SwapTotal', 'SwapFree']);
const MEMORY_USED = family(
  'drover_memory_used_percent',
  'gauge',
  'Share of the memory that is neither free nor could be freed at once.',
  2,
);
const SWAP_USED = family(
  'drover_swap_used_percent',
  'gauge',
  'Share of the swap space that is used; absent where there is none.',
  2,
);

export function createMeminfoCollector(context: CollectorContext): Collector {
  const { table, reader, procRoot } = context;
  const file = reader.open(`${procRoot}/meminfo`, { isOnePiece: true });
  const summary = new MemorySummary();
  const memoryUsed = table.family(MEMORY_USED).series();
  const swapUsed = table.family(SWAP_USED).series();
  const lines = new KeyedLines((key, unit) => {
    const name = metricName(key, unit);
    if (name === undefined) return undefined;
    const help = `What /proc/meminfo tells as ${key}.`;
    const series = table.family(family(name, 'gauge', help)).series();
    const target = { series, factor: unit === 'kB' ? KIB : 1, value: NaN };
    if (SUMMARY_KEYS.has(key)) summary.watch(key, target);
    return target;
  });
  return createCollector({
    name: 'meminfo',
    files: [file],
    collect(tick) {
      const scanner = file.require(tick.monotonicMs);
      summary.forget();
      lines.read(scanner);
      const reading = summary.toReading();
      if (reading.totalBytes === undefined) {
        throw new Error(`${file.path} does not tell how much memory there is`);
      }
      tick.readings.memory = reading;
      setShare(memoryUsed, reading.usedBytes, reading.totalBytes);
      setShare(swapUsed, reading.swapUsedBytes, reading.swapTotalBytes);
    },
  });
}

/** `Active(anon)` in kB → `node_memory_Active_anon_bytes`. */
function metricName(key: string, unit: string): string | undefined {
  const plain = key.replace(/\((.*)\)/, '_$1');
  if (!/^\w+$/.test(plain)) return undefined;
  return `node_memory_${plain}${unit === 'kB' ? '_bytes' : ''}`;
}

function setShare(series: LiveSeries, part: number | undefined, whole: number | undefined): void {
  const share = part === undefined ? undefined : toBasisPoints(part, whole ?? 0);
  if (share !== undefined) series.set(share);
}

/** The few lines that make up the whole. */
class MemorySummary {
  readonly #targets = new Map<string, KeyedTarget>();

  watch(key: string, target: KeyedTarget): void {
    this.#targets.set(key, target);
  }

  /** So that a line that is no more is not taken for what it said last. */
  forget(): void {
    for (const target of this.#targets.values()) target.value = NaN;
  }

  toReading(): MemoryReading {
    const totalBytes = this.#value('MemTotal');
    const availableBytes = this.#value('MemAvailable');
    const swapTotalBytes = this.#value('SwapTotal');
    const swapFreeBytes = this.#value('SwapFree');
    return {
      totalBytes,
      freeBytes: this.#value('MemFree'),
      availableBytes,
      usedBytes: difference(totalBytes, availableBytes),
      swapTotalBytes,
      swapUsedBytes: difference(swapTotalBytes, swapFreeBytes),
    };
  }

  #value(key: string): number | undefined {
    const value = this.#targets.get(key)?.value;
    return value === undefined || Number.isNaN(value) ? undefined : value;
  }
}

/** The lines of the file are not of quite the same instant. */
function difference(whole: number | undefined, rest: number | undefined): number | undefined {
  if (whole === undefined || rest === undefined) return undefined;
  return Math.max(0, whole - rest);
}
