/** The process that keeps the history of metrics is killed, or its disk fills up. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sql } from 'kysely';
import type { History } from '#metrics/history/history.ts';
import type { HostId } from '#kernel/ids.ts';
import type { Pack } from '#metrics/history/metric-store.ts';
import { SqlMetricStore } from '#stores/sql-metric-store.ts';
import { SmallDisk } from '#test/fault/small-disk.ts';
import {
  counterAt,
  COUNTER,
  gaugeAt,
  HistoryPlace,
  selectAll,
  selectOne,
  START_MS,
  TestTicks,
} from '#test/history-fixture.ts';

const CRASHES = 25;
const PROGRAM = join(import.meta.dirname, 'append-until-killed.ts');

/** Runs the program until it has said so many instants and some more; answers the last one. */
async function appendUntilKilled(
  directory: string,
  { startMs, ticks }: { readonly startMs: number; readonly ticks: number },
): Promise<number> {
  const child = spawn(process.execPath, [PROGRAM, directory, String(startMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  let text = '';
  let lines = 0;
  for await (const data of child.stdout.setEncoding('utf8')) {
    const part = String(data);
    text += part;
    lines += part.split('\n').length - 1;
    if (lines > ticks) child.kill('SIGKILL');
  }
  await ended;
  const said = text.split('\n').slice(1, -1).map(Number);
  return said.at(-1) ?? startMs - 1000;
}

/** Every second from the start, each once, with the values that belong to it. */
async function assertWhole(history: History, throughMs: number): Promise<number> {
  const all = await selectAll(history);
  assert.equal(all.length, 6);
  const newestMs = all[0]?.times.at(-1) ?? NaN;
  // One more may have been written than the program came to say.
  assert.ok(newestMs >= throughMs && newestMs <= throughMs + 1000, `${newestMs - throughMs}`);
  for (const { labels, times, values } of all) {
    const series = ['a', 'b', 'c'].indexOf(labels['name'] ?? '');
    const isCounter = labels['__name__'] === COUNTER.name;
    assert.equal(times.length, (newestMs - START_MS) / 1000 + 1);
    times.forEach((atMs, at) => {
      assert.equal(atMs, START_MS + at * 1000);
      assert.equal(values[at], isCounter ? counterAt(atMs, series) : gaugeAt(atMs, series) / 100);
    });
  }
  return newestMs;
}

describe('a history whose process is killed', () => {
  it(`has every tick that was appended, after each of ${CRASHES} times`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'drover-history-'));
    try {
      let saidMs = START_MS - 1000;
      let sealed = 0;
      for (let crash = 0; crash < CRASHES; crash += 1) {
        // A different number each time, so that it is killed while appending, cutting or sealing.
        const ticks = (crash * 37) % 200;
        saidMs = await appendUntilKilled(directory, { startMs: saidMs + 1000, ticks });
        // Now and then it crashes again before anybody has tidied up.
        if (crash % 3 !== 0) sealed += await assertWholeIn(directory, saidMs);
      }
      assert.ok(sealed > 0, 'nothing was sealed, so nothing was killed while sealing');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('does not store anything twice when killed between sealing and tidying the log', async () => {
    await using place = await HistoryPlace.create();
    const ticks = new TestTicks();
    {
      await using history = await place.open();
      for (const atMs of secondsFrom(START_MS, 100)) ticks.tick(history, atMs);
      const log = readFileSync(walFiles(place)[0] ?? '');
      await history.seal();
      assert.deepEqual(walFiles(place), []);
      writeFileSync(join(place.walDirectory, 'wal-1'), log);
    }
    await using history = await place.open();
    assert.equal(history.stats().headSamples, 0);
    await assertWhole(history, START_MS + 99_000);
    assert.deepEqual(walFiles(place), []);
  });

  it('loses at most what its last write was, wherever that was cut short', async () => {
    await using place = await HistoryPlace.create();
    const ticks = new TestTicks();
    let sizes: number[] = [];
    {
      await using history = await place.open();
      sizes = secondsFrom(START_MS, 20).map((atMs) => {
        ticks.tick(history, atMs);
        return readFileSync(walFiles(place)[0] ?? '').length;
      });
    }
    const log = readFileSync(walFiles(place)[0] ?? '');
    for (let length = log.length; length > (sizes[15] ?? 0); length -= 1) {
      for (const file of walFiles(place)) rmSync(file);
      writeFileSync(join(place.walDirectory, 'wal-1'), log.subarray(0, length));
      await using history = await place.open();
      const kept = sizes.filter((size) => size <= length).length;
      assert.equal((await selectOne(history, 'a'))?.times.length, kept);
      assert.equal(history.stats().damagedParts, 0);
    }
  });
});

describe('a history with damaged files', () => {
  it('loses what comes after the damage in that file of the log, says so, and starts', async () => {
    await using place = await HistoryPlace.create();
    const ticks = new TestTicks();
    for (const startMs of [START_MS, START_MS + 100_000]) {
      await using history = await place.open();
      for (const atMs of secondsFrom(startMs, 100)) ticks.tick(history, atMs);
    }
    const [first = ''] = walFiles(place);
    const log = readFileSync(first);
    log[log.length >> 1] = (log[log.length >> 1] ?? 0) ^ 4;
    writeFileSync(first, log);
    await using history = await place.open();
    const times = [...((await selectOne(history, 'a'))?.times ?? [])];
    const firstHalf = times.filter((atMs) => atMs < START_MS + 100_000);
    assert.ok(firstHalf.length > 20 && firstHalf.length < 90);
    assert.equal(times.length - firstHalf.length, 100);
    assert.equal(history.stats().damagedParts, 1);
    assert.match(place.metrics.expose(), /drover_history_damaged_total\{part="log"\} 1/);
    assert.ok(place.capture.records().some(({ where }) => where === 'wal-1'));
  });

  it('loses one chunk to damage in it, and says so once', async () => {
    await using place = await HistoryPlace.create();
    await using history = await place.open();
    const ticks = new TestTicks();
    for (const atMs of secondsFrom(START_MS, 100)) ticks.tick(history, atMs);
    await history.seal();
    await place.database.write(async (trx) => {
      const rows = trx.selectFrom('metric_packs').select('bytes').where('resolution_ms', '=', 0);
      const bytes = Uint8Array.from((await rows.executeTakeFirstOrThrow()).bytes);
      bytes[bytes.length - 10] = (bytes[bytes.length - 10] ?? 0) ^ 1;
      await trx.updateTable('metric_packs').set({ bytes }).where('resolution_ms', '=', 0).execute();
    });
    for (const _ of ['first', 'again']) assert.equal((await selectAll(history)).length, 5);
    assert.equal(history.stats().damagedParts, 1);
    assert.match(place.metrics.expose(), /drover_history_damaged_total\{part="chunk"\} 1/);
  });

  it('leaves a log alone that belongs to another database', async () => {
    await using place = await HistoryPlace.create();
    {
      await using history = await place.open();
      new TestTicks().tick(history, START_MS);
    }
    await place.database.write((trx) => sql`UPDATE metric_hosts SET epoch = 'x'`.execute(trx));
    await using history = await place.open();
    assert.deepEqual(await selectAll(history), []);
    assert.equal(history.stats().damagedParts, 1);
    assert.deepEqual(readdirSync(place.walDirectory), ['foreign-x-1']);
  });
});

class AbsentStore extends SqlMetricStore {
  isAway = true;

  override async addPacks(hostId: HostId, packs: readonly Pack[]): Promise<void> {
    if (this.isAway) throw new Error('the database is away');
    await super.addPacks(hostId, packs);
  }
}

describe('a history whose store is away', () => {
  it('keeps all in memory and in the log, and stores it when it is back', async () => {
    await using place = await HistoryPlace.create();
    const store = new AbsentStore(place.database);
    await using history = await place.open({ store, cutEveryMs: 60_000 });
    const ticks = new TestTicks();
    for (const atMs of secondsFrom(START_MS, 300)) {
      ticks.tick(history, atMs);
      await place.clock.advance(1000);
    }
    assert.equal(history.stats().headSamples, 1800);
    assert.ok(walFiles(place).length >= 5);
    await assertWhole(history, START_MS + 299_000);
    store.isAway = false;
    await place.clock.advance(600_000);
    assert.equal(history.stats().headSamples, 360);
    assert.equal(walFiles(place).length, 1);
    await assertWhole(history, START_MS + 299_000);
    assert.match(place.metrics.expose(), /drover_history_seal_failures_total [1-9]/);
    const told = place.capture.records().filter(({ level }) => level === 'error' || level === 50);
    assert.equal(told.length, 1);
  });
});

describe('a history whose disk is full', () => {
  it('goes on in memory, counts what is not logged, and recovers when there is room', async (t) => {
    using disk = SmallDisk.mount(t, 1);
    if (disk === undefined) return;
    await using place = await HistoryPlace.create();
    await using history = await place.open({ directory: join(disk.path, 'metrics') });
    const ticks = new TestTicks();
    const instants = secondsFrom(START_MS, 6000);
    let isFull = false;
    for (const [at, atMs] of instants.entries()) {
      if (at === 2000) disk.fill('blocks');
      if (at === 4000) disk.makeRoom();
      ticks.tick(history, atMs);
      await place.clock.advance(1000);
      isFull ||= /lost_samples_total\{cause="unlogged"\}/.test(place.metrics.expose());
    }
    assert.ok(isFull);
    await assertWhole(history, instants.at(-1) ?? 0);
    const messages = place.capture.records().map(({ msg }) => msg);
    const count = (text: RegExp) => messages.filter((each) => text.test(String(each))).length;
    assert.equal(count(/cannot be logged/), 1);
    assert.equal(count(/logged again/), 1);
  });
});

function secondsFrom(startMs: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => startMs + at * 1000);
}

function walFiles(place: HistoryPlace): string[] {
  return readdirSync(place.walDirectory)
    .filter((name) => name.startsWith('wal-'))
    .toSorted()
    .map((name) => join(place.walDirectory, name));
}

/** Answers how many packs are sealed. */
async function assertWholeIn(directory: string, saidMs: number): Promise<number> {
  const place = await HistoryPlace.at(directory);
  await using _database = place.database;
  await using history = await place.open();
  await assertWhole(history, saidMs);
  assert.equal(history.stats().damagedParts, 0);
  return history.stats().tiers[0]?.packs ?? 0;
}
