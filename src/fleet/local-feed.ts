/** This host as a source: what the process measures anyway, and the machines that run here. */
import type { Clock } from '#kernel/clock.ts';
import type { ServerId } from '#kernel/ids.ts';
import { sampleToNumber } from '#metrics/metric-family.ts';
import type { SampleTable } from '#metrics/sample-table.ts';
import { SampleSet, type Earlier, type Sample } from './samples/sample-set.ts';
import { samplesToMissing } from './samples/samples-to-missing.ts';
import { isWantedSample, samplesToReading } from './samples/samples-to-reading.ts';
import type { GuestReading, HypervisorReading, ServerReading } from './server-reading.ts';
import type { FeedReading, SourceFeed } from './source-feed.ts';

export interface LocalFeedParts {
  readonly clock: Clock;
  readonly table: SampleTable;
  /** Until the table has values at all. */
  readonly measured: (signal: AbortSignal) => Promise<unknown>;
  /** How often the table gets new values. */
  readonly intervalMs: number;
  /** The machines of this host. */
  readonly guests: (signal: AbortSignal) => Promise<readonly GuestReading[]>;
  /** Bytes; undefined where nobody looks, or nobody knows. */
  readonly largestFileOf?: (mountPoint: string, fstype: string | undefined) => number | undefined;
  /** Of this program: `Drover 0.1.0`. */
  readonly product: string;
}

export class LocalFeed implements SourceFeed {
  readonly kind = 'local';
  readonly label = 'this host';
  readonly intervalMs: number;
  readonly #parts: LocalFeedParts;
  readonly #servers: readonly ServerId[];
  #before: Earlier | undefined;

  constructor(servers: readonly ServerId[], parts: LocalFeedParts) {
    this.#servers = servers;
    this.#parts = parts;
    this.intervalMs = parts.intervalMs;
  }

  async poll(signal: AbortSignal): Promise<ReadonlyMap<ServerId, FeedReading>> {
    const { clock, table, guests, measured, largestFileOf } = this.#parts;
    await measured(signal);
    const set = new SampleSet(samplesOf(table), {
      ...{ atMonotonicMs: clock.monotonicMs(), before: this.#before },
    });
    this.#before = set.earlier;
    const host = samplesToReading(set);
    const filesystems = host.filesystems?.map((each) => {
      const largestFileBytes = largestFileOf?.(each.mountPoint, each.fstype);
      return { ...each, largestFileBytes };
    });
    const reading = {
      ...{ ...host, filesystems },
      ...{ guests: await guests(signal), hypervisor: this.#hypervisorOf(host) },
      missing: samplesToMissing(set),
    };
    return new Map(this.#servers.map((id) => [id, reading]));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #hypervisorOf({ cpu, memory, filesystems, uptimeSeconds }: ServerReading): HypervisorReading {
    const storage = filesystems ?? [];
    return {
      product: this.#parts.product,
      cpuPercent: cpu?.usagePercent,
      memoryPercent: shareOf([memory?.usedBytes], [memory?.totalBytes]),
      storagePercent: shareOf(
        storage.map(({ usedBytes }) => usedBytes),
        storage.map(({ totalBytes }) => totalBytes),
      ),
      uptimeSeconds,
    };
  }
}

function* samplesOf(table: SampleTable): Generator<Sample> {
  for (const { family, members } of table.families()) {
    if (!isWantedSample(family.name)) continue;
    for (const { labels, value } of members.values()) {
      yield { name: family.name, labels, value: sampleToNumber(value, family.scale) };
    }
  }
}

/** Undefined when any of them is unknown: a sum without it would be wrong. */
function shareOf(
  parts: readonly (number | undefined)[],
  wholes: readonly (number | undefined)[],
): number | undefined {
  const [part, whole] = [parts, wholes].map((values) =>
    values.reduce<number | undefined>(
      (sum, value) => (sum === undefined || value === undefined ? undefined : sum + value),
      0,
    ),
  );
  if (part === undefined || whole === undefined || whole === 0) return undefined;
  return (part * 100) / whole;
}
