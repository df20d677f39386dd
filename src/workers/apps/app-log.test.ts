import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { MIB } from '#kernel/units.ts';
import { SmallDisk } from '#test/fault/small-disk.ts';
import { createLogCapture } from '#test/log-capture.ts';
import { AppLog } from './app-log.ts';

const { signal } = new AbortController();

class Place implements AsyncDisposable {
  readonly directory: string;
  readonly clock = new FakeClock();
  readonly capture = createLogCapture();

  constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<Place> {
    return new Place(await mkdtemp(join(tmpdir(), 'drover-app-log-')));
  }

  open(capBytes = MIB, directory = join(this.directory, 'logs')): AppLog {
    return new AppLog({ directory, capBytes, clock: this.clock, log: this.capture.log });
  }

  path(name: string): string {
    return join(this.directory, 'logs', name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function textsOf(log: AppLog, lines = 10_000): Promise<string[]> {
  return (await log.read({ lines })).map(({ line }) => line);
}

describe('AppLog', () => {
  it('keeps lines as they came, with their time, version and stream', async () => {
    await using place = await Place.create();
    await using log = place.open();
    log.append('1.0.0', 'stdout', 'plain');
    await place.clock.advance(5);
    log.append('1.1.0', 'stderr', 'red \u001b[31m"quoted"\u0000 ünï');
    const at = place.clock.nowMs();
    assert.deepEqual(await log.read({ lines: 10 }), [
      { at: at - 5, version: '1.0.0', stream: 'stdout', line: 'plain' },
      { at, version: '1.1.0', stream: 'stderr', line: 'red \u001b[31m"quoted"\u0000 ünï' },
    ]);
    assert.ok(!(await readFile(place.path('app.log'), 'utf8')).includes('\u001b'));
  });

  it('answers the newest lines, oldest first, and none before there are any', async () => {
    await using place = await Place.create();
    await using log = place.open();
    assert.deepEqual(await log.read({ lines: 5 }), []);
    for (let at = 0; at < 5000; at += 1) log.append('1.0.0', 'stdout', `line ${at}`);
    assert.deepEqual(await textsOf(log, 3), ['line 4997', 'line 4998', 'line 4999']);
    assert.equal((await log.read({ lines: 4999 })).length, 4999);
    assert.deepEqual(await log.read({ lines: 0 }), []);
  });

  it('goes on in the same file after a restart, also when a crash cut a line short', async () => {
    await using place = await Place.create();
    const before = place.open();
    before.append('1.0.0', 'stdout', 'one');
    await before[Symbol.asyncDispose]();
    await appendFile(place.path('app.log'), '{"at":1,"version":"1.0.0","str');
    await using log = place.open();
    log.append('1.0.0', 'stdout', 'two');
    assert.deepEqual(await textsOf(log), ['one', 'two']);
  });

  it('never holds more than twice its cap, and loses only the oldest', async () => {
    await using place = await Place.create();
    const cap = 64 * 1024;
    await using log = place.open(cap);
    for (let at = 0; at < 4000; at += 1) {
      log.append('1.0.0', 'stdout', `line ${at}`);
      if (at % 500 === 0) await log.read({ lines: 1 });
    }
    const texts = await textsOf(log);
    const sizes = [await stat(place.path('app.log')), await stat(place.path('app.log.1'))];
    for (const { size } of sizes) assert.ok(size <= cap, String(size));
    assert.ok(texts.length > 500);
    const first = 4000 - texts.length;
    assert.deepEqual(
      texts,
      texts.map((_, at) => `line ${first + at}`),
    );
  });

  it('cuts a line of megabytes, and says how long it was', async () => {
    await using place = await Place.create();
    await using log = place.open();
    log.append('1.0.0', 'stdout', 'x'.repeat(2 * MIB));
    const [text = ''] = await textsOf(log);
    assert.match(text, /^x{8192}… \(2097152 characters\)$/);
  });

  it('drops what comes faster than the disk takes it, and tells how much', async () => {
    await using place = await Place.create();
    await using log = place.open(20 * MIB);
    const line = 'y'.repeat(1000);
    for (let at = 0; at < 3000; at += 1) log.append('1.0.0', 'stdout', line);
    await log.read({ lines: 1 });
    log.append('1.0.0', 'stdout', 'after');
    const texts = await textsOf(log);
    const kept = texts.filter((text) => text === line).length;
    assert.ok(kept > 500 && kept < 1100, String(kept));
    const notes = texts.filter((text) => text.includes('were dropped'));
    assert.deepEqual(notes, [
      `${3000 - kept} lines were dropped: they came faster than they could be written`,
    ]);
    assert.equal(texts.at(-1), 'after');
  });

  it('survives a disk that is full, and tells of it once', async (t) => {
    using disk = SmallDisk.mount(t, 1);
    if (disk === undefined) return;
    await using place = await Place.create();
    const directory = join(disk.path, 'logs');
    await mkdir(directory);
    await using log = place.open(MIB, directory);
    log.append('1.0.0', 'stdout', 'before');
    await log.read({ lines: 1 });
    disk.fill('blocks');
    for (let at = 0; at < 5; at += 1) {
      log.append('1.0.0', 'stdout', 'z'.repeat(8000));
      await log.read({ lines: 1 });
    }
    disk.makeRoom();
    log.append('1.0.0', 'stdout', 'after');
    const texts = await textsOf(log);
    assert.equal(texts[0], 'before');
    assert.equal(texts.at(-1), 'after');
    assert.match(texts.at(-2) ?? '', /lines were dropped/);
    assert.equal(place.capture.records().length, 1);
  });

  it('is followed from its last lines on, with none left out and none twice', async () => {
    await using place = await Place.create();
    await using log = place.open();
    for (let at = 0; at < 100; at += 1) log.append('1.0.0', 'stdout', `${at}`);
    const controller = new AbortController();
    const following = log.follow(controller.signal, { lines: 10 });
    for (let at = 100; at < 150; at += 1) log.append('1.0.0', 'stdout', `${at}`);
    const seen: string[] = [];
    for await (const { line } of following) {
      seen.push(line);
      if (line === '149') log.append('1.0.0', 'stdout', '150');
      if (line === '150') controller.abort();
    }
    // How many of those that came meanwhile count as past is a matter of time.
    const first = Number(seen[0]);
    assert.ok(first >= 90 && first <= 140, String(first));
    assert.deepEqual(
      seen,
      seen.map((_, at) => String(first + at)),
    );
    assert.equal(seen.at(-1), '150');
  });

  it('skips lines for a follower who does not read, and tells them how many', async () => {
    await using place = await Place.create();
    await using log = place.open();
    const following = log.follow(signal);
    for (let at = 0; at < 1500; at += 1) log.append('1.0.0', 'stdout', `${at}`);
    const seen: string[] = [];
    for await (const { line } of following) {
      seen.push(line);
      if (seen.length === 1000) log.append('1.0.0', 'stdout', 'last');
      if (line === 'last') break;
    }
    assert.equal(seen.length, 1002);
    assert.equal(seen[999], '999');
    assert.match(seen[1000] ?? '', /^500 lines were skipped/);
  });

  it('ends those who follow when it is closed, and takes only so many', async () => {
    await using place = await Place.create();
    const log = place.open();
    const followers = Array.from({ length: 50 }, () => log.follow(signal));
    assert.throws(() => log.follow(signal), { reason: 'TOO_MANY_FOLLOWERS' });
    const [first] = followers;
    await first?.return?.();
    const waiting = followers.slice(1).map((it) => it.next());
    log.append('1.0.0', 'stdout', 'last words');
    await Promise.all(waiting);
    await log[Symbol.asyncDispose]();
    for (const it of followers) assert.equal((await it.next()).done, true);
    assert.equal((await log.follow(signal).next()).done, true);
    assert.match(await readFile(place.path('app.log'), 'utf8'), /last words/);
  });

  it('lets a follower go whose signal aborts, read or not', async () => {
    await using place = await Place.create();
    await using log = place.open();
    const controller = new AbortController();
    const all = Array.from({ length: 50 }, () => log.follow(controller.signal));
    const pending = all[0]?.next();
    controller.abort();
    assert.equal((await pending)?.done, true);
    const again = log.follow(signal);
    await again.return?.();
  });
});
