import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  counterAt,
  COUNTER,
  gaugeAt,
  GAUGE,
  HISTORY_HOST,
  HistoryPlace,
  selectAll,
  selectionOf,
  selectOne,
  START_MS,
  TestTicks,
  NEVER,
} from '#test/history-fixture.ts';
import type { LabelMatcher } from '#metrics/metric-reader.ts';
import { DAY_MS, HOUR_MS } from '#kernel/units.ts';
import { DEFAULT_RETENTION } from './tiers.ts';

function secondsFrom(startMs: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => startMs + at * 1000);
}

describe('History', () => {
  it('answers every sample exactly, from memory and after sealing', async () => {
    await using place = await HistoryPlace.create();
    await using history = await place.open({ commonLabels: { instance: 'here', job: 'drover' } });
    const ticks = new TestTicks();
    const instants = secondsFrom(START_MS, 1000);
    for (const atMs of instants) ticks.tick(history, atMs);
    for (const isSealed of [false, true]) {
      if (isSealed) await history.seal();
      const all = await selectAll(history);
      assert.equal(all.length, 6);
      for (const { labels, times, values, counts } of all) {
        assert.equal(labels['instance'], 'here');
        const at = ['a', 'b', 'c'].indexOf(labels['name'] ?? '');
        assert.deepEqual([...times], instants);
        assert.equal(counts, undefined);
        const expected = instants.map((atMs) =>
          labels['__name__'] === GAUGE.name ? gaugeAt(atMs, at) / 100 : counterAt(atMs, at),
        );
        assert.deepEqual([...values], expected);
      }
    }
    assert.equal(history.stats().headSamples, 0);
  });

  it('takes up after any end where it left off, with the log or from the store', async () => {
    await using place = await HistoryPlace.create();
    const instants: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      await using history = await place.open();
      const ticks = new TestTicks();
      for (const atMs of secondsFrom(START_MS + round * 100_000, 50)) {
        ticks.tick(history, atMs);
        instants.push(atMs);
      }
      if (round === 1) await history.seal();
    }
    await using history = await place.open();
    const points = await selectOne(history, 'b', { family: COUNTER });
    assert.deepEqual([...(points?.times ?? [])], instants);
    assert.deepEqual(
      [...(points?.values ?? [])],
      instants.map((atMs) => counterAt(atMs, 1)),
    );
    assert.deepEqual(await history.reader.metadata(), [
      { name: GAUGE.name, kind: 'gauge', help: GAUGE.help },
      { name: COUNTER.name, kind: 'counter', help: COUNTER.help },
    ]);
  });

  it('cuts at each hour, seals it, and removes the log of what is sealed', async () => {
    await using place = await HistoryPlace.create();
    await using history = await place.open();
    const ticks = new TestTicks();
    const instants = secondsFrom(START_MS + HOUR_MS - 100_000, 200);
    for (const atMs of instants) {
      ticks.tick(history, atMs);
      await place.clock.advance(1000);
    }
    await place.clock.advance(60_000);
    assert.equal(history.stats().headSamples, 100 * 6);
    const packs = (await place.store.totals(HISTORY_HOST)).map((tier) => tier.packs);
    assert.deepEqual(packs, [1, 1, 0]);
    assert.equal(readdirSync(place.walDirectory).length, 1);
    const points = await selectOne(history, 'a');
    assert.deepEqual([...(points?.times ?? [])], instants);
  });

  it('cuts before its time what has become large, however many series there are', async () => {
    await using place = await HistoryPlace.create();
    const names = Array.from({ length: 50 }, (_, at) => `n${at}`);
    await using history = await place.open({ maxHeadBytes: 20_000 });
    const ticks = new TestTicks(names);
    const tick = async (atMs: number) => {
      ticks.tick(history, atMs);
      await place.clock.advance(1000);
    };
    const instants = secondsFrom(START_MS, 400);
    for (const atMs of instants.slice(0, 100)) await tick(atMs);
    assert.equal(history.stats().headSamples, 100 * 100);
    assert.ok(history.stats().headBytes > 20_000);
    for (const atMs of instants.slice(100)) await tick(atMs);
    assert.ok(history.stats().headSamples < 400 * 100);
  });

  it('makes many new series known to the store before they are cut', async () => {
    await using place = await HistoryPlace.create();
    const batches: number[] = [];
    const addSeries = place.store.addSeries.bind(place.store);
    place.store.addSeries = async (...given) => {
      batches.push(given[2].length);
      await addSeries(...given);
    };
    await using history = await place.open();
    const ticks = new TestTicks(Array.from({ length: 1100 }, (_, at) => `n${at}`));
    for (const atMs of secondsFrom(START_MS, 32)) {
      ticks.tick(history, atMs);
      await place.clock.advance(1000);
    }
    await history.seal();
    assert.equal((await place.store.readSeries(HISTORY_HOST)).length, 2200);
    // A cut would have left the last of them to its end.
    assert.deepEqual(batches, [1000, 1000, 200]);
  });

  it('marks once where a series ends, and goes on when it comes back', async () => {
    await using place = await HistoryPlace.create();
    await using history = await place.open();
    const ticks = new TestTicks();
    for (const [at, atMs] of secondsFrom(START_MS, 100).entries()) {
      ticks.tick(history, atMs, at >= 10 && at < 95 ? [1] : []);
    }
    const points = await selectOne(history, 'b');
    assert.equal(points?.times.length, 16);
    assert.ok(Number.isNaN(points.values[10]));
    assert.equal(points.times[10], START_MS + 10_000);
    assert.equal(points.times[11], START_MS + 95_000);
    const other = await selectOne(history, 'a');
    assert.equal(other?.times.length, 100);
  });

  it('keeps what comes after the clock was set back, sorted and each instant once', async () => {
    await using place = await HistoryPlace.create();
    await using history = await place.open();
    const ticks = new TestTicks();
    for (const atMs of secondsFrom(START_MS, 100)) ticks.tick(history, atMs);
    for (const atMs of secondsFrom(START_MS + 50_500, 20)) ticks.tick(history, atMs);
    for (const atMs of secondsFrom(START_MS + 60_000, 20)) ticks.tick(history, atMs);
    for (const isSealed of [false, true]) {
      if (isSealed) await history.seal();
      const times = [...((await selectOne(history, 'a'))?.times ?? [])];
      assert.equal(times.length, 120);
      assert.deepEqual(
        times,
        [...new Set(times)].toSorted((one, other) => one - other),
      );
    }
  });

  it('refuses too much, naming by how much, before it has all been decoded', async () => {
    await using place = await HistoryPlace.create();
    await using history = await place.open();
    const ticks = new TestTicks();
    for (const atMs of secondsFrom(START_MS, 100)) ticks.tick(history, atMs);
    await history.seal();
    await assert.rejects(selectAll(history, { maxSeries: 5 }), {
      kind: 'resource_exhausted',
      message: /6 series, 1 more than the 5/,
    });
    await assert.rejects(selectAll(history, { maxSamples: 250 }), {
      kind: 'resource_exhausted',
      message: /at least 300 samples, 50 more than the 250/,
    });
    const aborted = AbortSignal.abort(new Error('gone'));
    await assert.doesNotReject(history.reader.select(selectionOf(), NEVER));
    const ended = history.reader.select(selectionOf({ maxSamples: 1e9 }), aborted);
    await assert.rejects(ended, { message: 'gone' });
  });

  it('keeps series up to a number and tells of the metric that is turned away', async () => {
    await using place = await HistoryPlace.create();
    await using history = await place.open({ maxSeries: 4 });
    const ticks = new TestTicks();
    for (const atMs of secondsFrom(START_MS, 10)) ticks.tick(history, atMs);
    assert.equal((await selectAll(history)).length, 4);
    assert.equal(history.stats().refusedSeries, 2);
    const warned = place.capture.records().filter(({ metric }) => metric === COUNTER.name);
    assert.equal(warned.length, 1);
    assert.match(place.metrics.expose(), /drover_history_refused_series 2/);
  });

  it('rolls up by minute and quarter of an hour, and picks the tier by age and step', async () => {
    await using place = await HistoryPlace.create();
    await using history = await place.open({
      retention: { ...DEFAULT_RETENTION, rawMs: 12 * HOUR_MS, minuteMs: 2 * DAY_MS },
    });
    const ticks = new TestTicks();
    const everyMs = 10_000;
    for (let atMs = START_MS; atMs < START_MS + 3 * DAY_MS; atMs += everyMs) {
      if (atMs % HOUR_MS === 0) {
        await history.seal();
        place.clock.jumpWallClock(HOUR_MS);
      }
      ticks.tick(history, atMs);
    }
    await history.seal();
    await history.upkeep();
    const endMs = START_MS + 3 * DAY_MS;
    const recent = await selectOne(history, 'a', { fromMs: endMs - HOUR_MS, stepMs: 15_000 });
    assert.equal(recent?.counts, undefined);
    assert.equal(recent?.times.length, 360);

    const minutes = await selectOne(history, 'a', { fromMs: endMs - DAY_MS, column: 'sum' });
    assert.equal(minutes?.times.length, 24 * 60);
    assert.deepEqual(new Set(minutes.counts), new Set([6]));
    const firstMinute = [0, 1, 2, 3, 4, 5].map((at) => gaugeAt(endMs - DAY_MS + at * everyMs, 0));
    const sum = firstMinute.reduce((one, other) => one + other);
    assert.equal(minutes.values[0], sum / 100);
    assert.equal(minutes.times[0], endMs - DAY_MS + 50_000);

    for (const column of ['min', 'max', 'last'] as const) {
      const quarters = await selectOne(history, 'b', { fromMs: START_MS, column });
      assert.equal(quarters?.times.length, 3 * 96);
      const raw = Array.from({ length: 90 }, (_, at) => gaugeAt(START_MS + at * everyMs, 1));
      const expected = { min: Math.min(...raw), max: Math.max(...raw), last: raw.at(-1) ?? 0 };
      assert.equal(quarters.values[0], expected[column] / 100);
    }
    const byStep = await selectOne(history, 'a', { fromMs: endMs - HOUR_MS, stepMs: 300_000 });
    assert.equal(byStep?.times.length, 60);
    const totals = await place.store.totals(HISTORY_HOST);
    assert.ok((totals[0]?.oldestMs ?? 0) >= endMs - 14 * HOUR_MS);
    assert.ok((totals[1]?.oldestMs ?? 0) >= endMs - 2 * DAY_MS - 2 * HOUR_MS);
  });

  it('reads each sample once, also while cuts are being sealed', async () => {
    await using place = await HistoryPlace.create();
    await using history = await place.open({ cutEveryMs: 10_000 });
    const ticks = new TestTicks();
    const reading: Promise<unknown>[] = [];
    for (const [at, atMs] of secondsFrom(START_MS, 200).entries()) {
      ticks.tick(history, atMs);
      if (at % 7 !== 0) continue;
      const check = selectOne(history, 'a').then((points) => {
        const times = [...(points?.times ?? [])];
        // Samples that came meanwhile may be among them.
        assert.ok(times.length > at);
        assert.deepEqual(times, secondsFrom(START_MS, times.length));
      });
      reading.push(check);
      // Sealing and reading go on, each a bit.
      if (at % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(reading);
    await history.seal();
    assert.equal(history.stats().tiers[0]?.packs, 20);
  });

  it('keeps what one tick has of many tables and rows apart', async () => {
    await using place = await HistoryPlace.create();
    {
      await using history = await place.open();
      const refs = ['x', 'y'].map((name) => history.declare(GAUGE, { name }));
      const [x, y] = refs;
      assert.ok(x !== undefined && y !== undefined);
      assert.equal(history.declare(GAUGE, { name: 'x' }), x);
      using both = history.createRow([x, y]);
      using one = history.createRow([y]);
      history.appendRow(both, START_MS, Float64Array.of(100, 200));
      history.appendRow(one, START_MS + 500, Float64Array.of(250));
      history.appendRow(both, START_MS + 1000, Float64Array.of(NaN, 2 ** 53));
      assert.throws(() => history.appendRow(one, 1.5, Float64Array.of(1)), RangeError);
    }
    await using history = await place.open();
    assert.deepEqual([...((await selectOne(history, 'x'))?.values ?? [])], [1, NaN]);
    const y = await selectOne(history, 'y');
    assert.deepEqual([...(y?.times ?? [])], [START_MS, START_MS + 500, START_MS + 1000]);
    assert.deepEqual([...(y?.values ?? [])], [2, 2.5, 2 ** 53 / 100]);
  });

  it('finds series by all kinds of matchers, a missing label being an empty one', async () => {
    await using place = await HistoryPlace.create();
    await using history = await place.open({ commonLabels: { job: 'drover' } });
    new TestTicks(['eth0', 'eth1', 'lo']).tick(history, START_MS);
    const find = async (...matchers: readonly LabelMatcher[]) => {
      const found = await history.reader.series({
        matcherLists: [[{ label: '__name__', operator: '=', value: GAUGE.name }, ...matchers]],
        ...{ fromMs: START_MS, toMs: START_MS, limit: 10 },
      });
      return found.map(({ name = '' }) => name).toSorted((one, other) => (one < other ? -1 : 1));
    };
    const name = 'name';
    assert.deepEqual(await find(), ['eth0', 'eth1', 'lo']);
    assert.deepEqual(await find({ label: name, operator: '!=', value: 'lo' }), ['eth0', 'eth1']);
    assert.deepEqual(await find({ label: name, operator: '=~', value: 'eth[0-9]' }), [
      'eth0',
      'eth1',
    ]);
    assert.deepEqual(await find({ label: name, operator: '!~', value: 'eth.*' }), ['lo']);
    assert.deepEqual(await find({ label: 'none', operator: '=', value: '' }), [
      'eth0',
      'eth1',
      'lo',
    ]);
    assert.deepEqual(await find({ label: 'none', operator: '=~', value: '.+' }), []);
    assert.deepEqual(await find({ label: 'job', operator: '=', value: 'other' }), []);
    const later = { fromMs: START_MS - 10, toMs: START_MS - 1, limit: 10, matcherLists: [] };
    assert.deepEqual(await history.reader.series(later), []);
    const limited = await history.reader.series({ ...later, toMs: START_MS, limit: 2 });
    assert.equal(limited.length, 2);
  });

  it('removes the finest and oldest first when there is too much', async () => {
    await using place = await HistoryPlace.create();
    await using history = await place.open({
      retention: { ...DEFAULT_RETENTION, maxBytes: 30_000 },
    });
    const ticks = new TestTicks();
    for (let hour = 0; hour < 12; hour += 1) {
      for (const atMs of secondsFrom(START_MS + hour * HOUR_MS, 600)) ticks.tick(history, atMs);
      place.clock.jumpWallClock(HOUR_MS);
      await history.seal();
    }
    await history.upkeep();
    const [raw, minutes] = history.stats().tiers;
    assert.ok((raw?.sizeBytes ?? 0) + (minutes?.sizeBytes ?? 0) <= 30_000);
    assert.ok((raw?.packs ?? 0) > 0 && (raw?.packs ?? 0) < 12);
    assert.equal(minutes?.packs, 12);
    assert.equal((await selectOne(history, 'a'))?.counts?.length, 120);
  });

  it('forgets series of which nothing is left', async () => {
    await using place = await HistoryPlace.create();
    const day = { ...DEFAULT_RETENTION, rawMs: DAY_MS, minuteMs: DAY_MS, quarterHourMs: DAY_MS };
    await using history = await place.open({ retention: day });
    for (const atMs of secondsFrom(START_MS, 100)) new TestTicks(['old']).tick(history, atMs);
    await history.seal();
    const ticks = new TestTicks(['new']);
    for (let hour = 1; hour < 60; hour += 1) {
      for (const atMs of secondsFrom(START_MS + hour * HOUR_MS, 10)) ticks.tick(history, atMs);
      place.clock.jumpWallClock(HOUR_MS);
      await history.seal();
    }
    await history.upkeep();
    assert.equal(history.stats().series, 2);
    const labels = await history.reader.series({
      matcherLists: [],
      ...{ fromMs: 0, toMs: START_MS * 2, limit: 10 },
    });
    assert.deepEqual(new Set(labels.map(({ name }) => name)), new Set(['new']));
    assert.equal((await place.store.readSeries(HISTORY_HOST)).length, 2);
  });
});
