/** Runs one collector by hand, sample by sample, and shows what it set. */
import type { Clock } from '#kernel/clock.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { Collector } from '#metrics/collector.ts';
import type { HostReadings } from '#metrics/host-readings.ts';
import { sampleToNumber } from '#metrics/metric-family.ts';
import type { SampleTable } from '#metrics/sample-table.ts';

export interface CollectedSamples {
  /** `name{a="1"}` → what the sample means; without those that are absent. */
  readonly values: Readonly<Record<string, number>>;
  readonly readings: HostReadings;
}

export async function collectSamples(
  collector: Collector,
  table: SampleTable,
  clock: Clock = new FakeClock(),
): Promise<CollectedSamples> {
  const readings: HostReadings = {};
  await collector.collect({
    atMs: clock.nowMs(),
    monotonicMs: clock.monotonicMs(),
    intervalMs: 1000,
    signal: new AbortController().signal,
    readings,
  });
  table.endTick();
  return { values: presentValues(table), readings };
}

export function presentValues(table: SampleTable): Record<string, number> {
  const values: Record<string, number> = {};
  for (const { members } of table.families()) {
    for (const { key, value, family } of members.values()) {
      if (!Number.isNaN(value)) values[key] = sampleToNumber(value, family.scale);
    }
  }
  return values;
}
