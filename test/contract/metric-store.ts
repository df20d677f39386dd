/** What every MetricStore does. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { HostId } from '#kernel/ids.ts';
import type {
  MetricStore,
  Pack,
  PackQuery,
  Removal,
  StoredSeries,
} from '#metrics/history/metric-store.ts';
import { MINUTE_TIER_MS, QUARTER_TIER_MS, RAW_MS } from '#metrics/history/tiers.ts';
import { HOST } from '#test/contract/store-fixtures.ts';

export interface OpenMetricStore extends AsyncDisposable {
  readonly metrics: MetricStore;
}

const OTHER = 'host-2' as HostId;
const NO_CHANGES = { series: [], metadata: [] };

function packOf(cut: number, choices: Partial<Pack> = {}): Pack {
  const bytes = Uint8Array.from({ length: 300 }, (_, at) => (at * cut) % 256);
  return {
    resolution: RAW_MS,
    cut,
    part: 0,
    firstMs: cut * 1000,
    lastMs: cut * 1000 + 999,
    firstSeries: 1,
    lastSeries: 10,
    samples: 100,
    sizeBytes: bytes.length,
    bytes,
    ...choices,
  };
}

function seriesOf(id: number, choices: Partial<StoredSeries> = {}): StoredSeries {
  const labels = { device: `sd"${id}\\ü` };
  return { id, name: 'disk_bytes', labels, createdAt: 5000, endedAt: undefined, ...choices };
}

const EVERYTHING: PackQuery = {
  resolution: RAW_MS,
  fromMs: 0,
  toMs: Number.MAX_SAFE_INTEGER,
  firstSeries: 0,
  lastSeries: Number.MAX_SAFE_INTEGER,
  beforeCut: Number.MAX_SAFE_INTEGER,
};

async function cutsOf(
  metrics: MetricStore,
  query: Partial<PackQuery> = {},
  host = HOST,
): Promise<number[]> {
  const packs = await metrics.findPacks(host, { ...EVERYTHING, ...query });
  return packs.map(({ cut }) => cut);
}

async function seal(metrics: MetricStore, cut: number, host = HOST): Promise<void> {
  await metrics.beginCut(host, cut);
  const minutes = packOf(cut, { resolution: MINUTE_TIER_MS, samples: 2 });
  await metrics.addPacks(host, [packOf(cut), minutes]);
  await metrics.finishCut(host, cut, NO_CHANGES);
}

export function itKeepsMetrics(open: () => Promise<OpenMetricStore>): void {
  it('remembers a host, each by itself', async () => {
    await using stores = await open();
    const { metrics } = stores;
    const fresh = { epoch: 'one', sealedThrough: 0, rolledThroughMs: 0 };
    assert.deepEqual(await metrics.openHost(HOST, 'one'), fresh);
    await seal(metrics, 7);
    await metrics.finishRollUp(HOST, 86_400_000, []);
    assert.deepEqual(await metrics.openHost(HOST, 'two'), {
      ...fresh,
      sealedThrough: 7,
      rolledThroughMs: 86_400_000,
    });
    assert.equal((await metrics.openHost(OTHER, 'three')).epoch, 'three');
    assert.deepEqual(await cutsOf(metrics, {}, OTHER), []);
  });

  it('gives packs back as they were, by time, series, tier and cut', async () => {
    await using stores = await open();
    const { metrics } = stores;
    await metrics.openHost(HOST, 'one');
    for (const cut of [1, 2, 3]) await seal(metrics, cut);
    await metrics.addPacks(HOST, [packOf(3, { part: 1, firstSeries: 11, lastSeries: 20 })]);
    const found = await metrics.findPacks(HOST, { ...EVERYTHING, beforeCut: 2 });
    const { bytes, ...info } = packOf(1);
    assert.deepEqual(found, [info]);
    assert.deepEqual(Uint8Array.from((await metrics.readPack(HOST, info)) ?? []), bytes);
    assert.deepEqual(await cutsOf(metrics), [1, 2, 3, 3]);
    assert.deepEqual(await cutsOf(metrics, { fromMs: 1999, toMs: 2000 }), [1, 2]);
    assert.deepEqual(await cutsOf(metrics, { fromMs: 2000, toMs: 2999 }), [2]);
    assert.deepEqual(await cutsOf(metrics, { firstSeries: 10, lastSeries: 10 }), [1, 2, 3]);
    assert.deepEqual(await cutsOf(metrics, { firstSeries: 11 }), [3]);
    assert.deepEqual(await cutsOf(metrics, { resolution: MINUTE_TIER_MS, fromMs: 3000 }), [3]);
    assert.equal(await metrics.readPack(HOST, packOf(9)), undefined);
  });

  it('keeps nothing of a cut that was not finished', async () => {
    await using stores = await open();
    const { metrics } = stores;
    await metrics.openHost(HOST, 'one');
    await seal(metrics, 1);
    await metrics.beginCut(HOST, 2);
    await metrics.addPacks(HOST, [packOf(2), packOf(2, { part: 1 })]);
    await metrics.beginCut(HOST, 2);
    assert.deepEqual(await cutsOf(metrics), [1]);
    await metrics.addPacks(HOST, [packOf(2)]);
    assert.equal((await metrics.openHost(HOST, 'one')).sealedThrough, 1);
    assert.deepEqual(await cutsOf(metrics), [1]);
    await seal(metrics, 2);
    await metrics.openHost(HOST, 'one');
    assert.deepEqual(await cutsOf(metrics), [1, 2]);
  });

  it('refuses to finish a cut that was overtaken by another process', async () => {
    await using stores = await open();
    const { metrics } = stores;
    await metrics.openHost(HOST, 'one');
    await seal(metrics, 5);
    const overtaken = { reason: 'HISTORY_TAKEN_OVER' };
    await assert.rejects(metrics.finishCut(HOST, 5, NO_CHANGES), overtaken);
    await assert.rejects(metrics.addSeries(HOST, 5, [seriesOf(1)]), overtaken);
    await metrics.addSeries(HOST, 6, [seriesOf(1)]);
    assert.deepEqual(await metrics.readSeries(HOST), [seriesOf(1)]);
  });

  it('keeps series and metadata, and changes those it knows', async () => {
    await using stores = await open();
    const { metrics } = stores;
    await metrics.openHost(HOST, 'one');
    const some = Array.from({ length: 1200 }, (_, at) => seriesOf(at + 1));
    const gauge = { name: 'disk_bytes', kind: 'gauge', help: 'Old.' } as const;
    await metrics.finishCut(HOST, 1, { series: some, metadata: [gauge] });
    assert.deepEqual(await metrics.readSeries(HOST), some);
    const ended = { ...seriesOf(3), endedAt: 9000 };
    const counter = { name: 'disk_bytes', kind: 'counter', help: 'New.' } as const;
    await metrics.finishCut(HOST, 2, {
      series: [ended, seriesOf(2000)],
      metadata: [counter, { ...gauge, name: 'a' }],
    });
    const after = await metrics.readSeries(HOST);
    assert.equal(after.length, 1201);
    assert.deepEqual(after[2], ended);
    assert.deepEqual(await metrics.readMetadata(HOST), [{ ...gauge, name: 'a' }, counter]);
    assert.deepEqual(await metrics.readSeries(OTHER), []);
    await metrics.removeSeries(
      HOST,
      after.slice(1).map(({ id }) => id),
    );
    assert.deepEqual(await metrics.readSeries(HOST), [seriesOf(1)]);
  });

  it('makes a step of rolling up once, and either wholly or not', async () => {
    await using stores = await open();
    const { metrics } = stores;
    await metrics.openHost(HOST, 'one');
    const coarse = { resolution: QUARTER_TIER_MS } as const;
    await metrics.finishRollUp(HOST, 1000, [packOf(1, coarse)]);
    await metrics.finishRollUp(HOST, 1000, [packOf(1, { ...coarse, part: 1 })]);
    await assert.rejects(metrics.finishRollUp(HOST, 2000, [packOf(2, coarse), packOf(1, coarse)]));
    assert.deepEqual(await cutsOf(metrics, coarse), [1]);
    assert.equal((await metrics.openHost(HOST, 'one')).rolledThroughMs, 1000);
    // Cuts that were not finished are of other tiers.
    assert.deepEqual(await cutsOf(metrics, coarse), [1]);
  });

  it('adds up each tier, and removes the oldest of one a few at a time', async () => {
    await using stores = await open();
    const { metrics } = stores;
    await metrics.openHost(HOST, 'one');
    await metrics.openHost(OTHER, 'two');
    for (let cut = 1; cut <= 5; cut += 1) await seal(metrics, cut);
    await seal(metrics, 1, OTHER);
    const [raw, minutes, quarters] = await metrics.totals(HOST);
    const five = { packs: 5, sizeBytes: 1500, oldestMs: 1000, newestMs: 5999 };
    assert.deepEqual(raw, { resolution: RAW_MS, samples: 500, ...five });
    assert.deepEqual(minutes, { resolution: MINUTE_TIER_MS, samples: 10, ...five });
    assert.deepEqual(quarters, {
      resolution: QUARTER_TIER_MS,
      ...{ packs: 0, samples: 0, sizeBytes: 0, oldestMs: Infinity, newestMs: -Infinity },
    });
    const old: Removal = { resolution: RAW_MS, beforeMs: 3999, limit: 2 };
    assert.equal(await metrics.removePacks(HOST, { ...old, limit: 1 }), 1);
    assert.deepEqual(await cutsOf(metrics), [2, 3, 4, 5]);
    assert.equal(await metrics.removePacks(HOST, old), 1);
    assert.equal(await metrics.removePacks(HOST, { ...old, beforeMs: Infinity }), 2);
    assert.deepEqual(await cutsOf(metrics), [5]);
    assert.deepEqual(await cutsOf(metrics, { resolution: MINUTE_TIER_MS }), [1, 2, 3, 4, 5]);
    assert.deepEqual(await cutsOf(metrics, {}, OTHER), [1]);
  });
}
