/**
 * Makes the coarsest tier, a whole day (UTC) at a time, of the minutes of that day. Each day is
 * one transaction that also says how far it goes, so being killed costs nothing but the work.
 */
import type { HostId } from '#kernel/ids.ts';
import { DroverError } from '#kernel/errors.ts';
import { DAY_MS } from '#kernel/units.ts';
import { decodeChunk, type DecodedChunk } from './chunk-decoder.ts';
import { unpackChunks } from './chunk-pack.ts';
import type { HistoryReport } from './history-report.ts';
import type { MetricStore, Pack, PackInfo } from './metric-store.ts';
import { PackBuilder } from './pack-builder.ts';
import type { Pacer } from './pacer.ts';
import { rollUpChunks } from './roll-up.ts';
import { MINUTE_TIER_MS, QUARTER_TIER_MS } from './tiers.ts';

/** How many series are worked on at a time: what they have of a day is held in memory. */
const WINDOW_SERIES = 64;

export interface QuarterRollUpOptions {
  readonly store: MetricStore;
  readonly hostId: HostId;
  readonly report: HistoryReport;
}

/** The day that starts here. Answers how many points of a minute went into it. */
export async function rollUpDay(
  { store, hostId, report }: QuarterRollUpOptions,
  dayMs: number,
  pacer: Pacer,
): Promise<void> {
  const endMs = dayMs + DAY_MS;
  const packs = await store.findPacks(hostId, {
    resolution: MINUTE_TIER_MS,
    fromMs: dayMs,
    toMs: endMs - 1,
    firstSeries: 0,
    lastSeries: Number.MAX_SAFE_INTEGER,
    beforeCut: Number.MAX_SAFE_INTEGER,
  });
  const builder = new PackBuilder(QUARTER_TIER_MS, Math.floor(dayMs / DAY_MS));
  const lastSeries = Math.max(0, ...packs.map((pack) => pack.lastSeries));
  let first = Math.min(...packs.map(({ firstSeries }) => firstSeries));
  while (first <= lastSeries) {
    const last = first + WINDOW_SERIES - 1;
    const bySeries = new Map<number, DecodedChunk[]>();
    for (const pack of packs) {
      if (pack.firstSeries > last || pack.lastSeries < first) continue;
      const bytes = await store.readPack(hostId, pack);
      const wanted = { pack, bytes, first, last };
      for (const [id, chunk] of decodeWanted(wanted, report)) {
        const within = clip(chunk, dayMs, endMs);
        const chunks = bySeries.get(id);
        if (chunks === undefined) bySeries.set(id, [within]);
        else chunks.push(within);
      }
      if (pacer.isDue) await pacer.pause();
    }
    for (const id of [...bySeries.keys()].toSorted((one, other) => one - other)) {
      for (const chunk of rollUpChunks(bySeries.get(id) ?? [], QUARTER_TIER_MS)) {
        builder.add(id, chunk, chunk.toBytes());
      }
      if (pacer.isDue) await pacer.pause();
    }
    first = last + 1;
  }
  const made: readonly Pack[] = builder.take(true);
  await store.finishRollUp(hostId, endMs, made);
}

interface Wanted {
  readonly pack: PackInfo;
  readonly bytes: Uint8Array | undefined;
  readonly first: number;
  readonly last: number;
}

function* decodeWanted(
  { pack, bytes, first, last }: Wanted,
  report: HistoryReport,
): Generator<readonly [number, DecodedChunk]> {
  if (bytes === undefined) return;
  const where = `${pack.resolution}/${pack.cut}/${pack.part}`;
  let chunks;
  try {
    chunks = unpackChunks(bytes);
  } catch (thrown) {
    report.damaged('pack', where, thrown);
    return;
  }
  for (const { seriesId, bytes: chunk } of chunks) {
    if (seriesId < first || seriesId > last) continue;
    try {
      yield [seriesId, decodeChunk(chunk)];
    } catch (thrown) {
      if (!(thrown instanceof DroverError)) throw thrown;
      report.damaged('chunk', `${where} series ${seriesId}`, thrown);
    }
  }
}

/** Minutes of a pack across midnight belong to two days. */
function clip(chunk: DecodedChunk, fromMs: number, endMs: number): DecodedChunk {
  const start = chunk.times.findIndex((atMs) => atMs >= fromMs);
  const end = chunk.times.findLastIndex((atMs) => atMs < endMs) + 1;
  if (start === 0 && end === chunk.count) return chunk;
  const from = start === -1 ? chunk.count : start;
  const times = chunk.times.slice(from, end);
  const values = chunk.values.map((column) => column.slice(from, end));
  return { ...chunk, count: times.length, times, values };
}
