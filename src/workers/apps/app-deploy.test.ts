import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { isErrorKind } from '#kernel/errors.ts';
import { DAY_MS } from '#kernel/units.ts';
import { AppFixture, appArchive, inPieces, MAIN_JS, tarOf } from '#test/app-fixture.ts';
import { SmallDisk } from '#test/fault/small-disk.ts';
import { until } from '#test/until.ts';
import type { AppService } from './app-service.ts';

const { signal } = new AbortController();

/** A sender that never sends. */
const SILENT: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }),
};

type ArchiveOptions = Parameters<typeof appArchive>[2];

async function deploy(apps: AppService, version: string, options: ArchiveOptions = {}) {
  return await apps.deploy(inPieces(await appArchive('shop', version, options)), { signal });
}

async function incomingOf({ directory }: AppFixture): Promise<string[]> {
  return await readdir(join(directory, 'apps/.incoming'));
}

describe('deploying', () => {
  it('puts the files in their place and makes the version current', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    const manifest = { min_workers: 2, env: { A: 'b' } };
    const deployed = await deploy(apps, '1.0.0', { manifest });
    const directory = join(fixture.directory, 'apps/shop/1.0.0');
    assert.equal(deployed.key, 'shop@1.0.0');
    assert.equal(deployed.directory, directory);
    assert.equal(deployed.deployedAt, fixture.clock.nowMs());
    assert.equal(deployed.fileCount, 2);
    assert.equal(await readFile(join(directory, 'main.js'), 'utf8'), MAIN_JS);
    assert.deepEqual(deployed.workerApp?.binding, {
      ...{ name: 'shop', version: '1.0.0', directory, entrypoint: 'main.js', env: { A: 'b' } },
      ...{ allowedHosts: [], grants: [], readableDirectories: [], writableDirectories: [] },
    });
    assert.equal(apps.resolve('shop'), deployed);
    assert.deepEqual(apps.list(), [{ name: 'shop', current: deployed, versions: [deployed] }]);
    assert.deepEqual(fixture.workers.calls, ['admit shop@1.0.0 min 2']);
    await until(async () => ((await incomingOf(fixture)).length === 0 ? true : undefined), 'clear');
  });

  it('makes files that every worker may read, whatever the umask', async () => {
    await using fixture = await AppFixture.create();
    const before = process.umask(0o077);
    try {
      const apps = await fixture.open();
      const { directory } = await deploy(apps, '1.0.0', {
        files: { 'lib/x.js': '', 'main.js': '' },
      });
      const modeOf = async (path: string) => (await stat(path)).mode & 0o777;
      const folders = [join(directory, '../..'), join(directory, '..'), directory];
      for (const path of [...folders, join(directory, 'lib')]) {
        assert.equal(await modeOf(path), 0o755, path);
      }
      assert.equal(await modeOf(join(directory, 'lib/x.js')), 0o644);
      assert.equal(await modeOf(join(fixture.directory, 'apps/.incoming')), 0o700);
    } finally {
      process.umask(before);
    }
  });

  it('lets workers of the old version finish, and others of it start, in one turn', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    const { workers } = fixture;
    for (const [version, min_workers] of [
      ['1.0.0', 0],
      ['1.1.0', 1],
      ['1.2.0', 2],
    ] as const) {
      await deploy(apps, version, { manifest: { min_workers } });
    }
    assert.deepEqual(workers.calls, [
      'admit shop@1.0.0 min 0',
      ...['admit shop@1.1.0 min 1', 'retire shop@1.0.0', 'admit shop@1.0.0 min 0'],
      ...['admit shop@1.2.0 min 2', 'retire shop@1.1.0', 'admit shop@1.1.0 min 0'],
    ]);
    assert.equal(apps.resolve('shop@1.1').key, 'shop@1.1.0');
  });

  it('never means a version that the pool does not have', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    await deploy(apps, '1.0.0');
    const { workers } = fixture;
    const seen = new Set<string>();
    const look = async (isOver: AbortSignal) => {
      while (!isOver.aborted) {
        const { key } = apps.resolve('shop');
        seen.add(`${key} ${workers.admitted.has(key)}`);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const over = new AbortController();
    const looking = look(over.signal);
    await deploy(apps, '1.1.0');
    await apps.rollback('shop');
    await deploy(apps, '1.2.0');
    await new Promise((resolve) => setImmediate(resolve));
    over.abort();
    await looking;
    assert.deepEqual([...seen].toSorted(), [
      'shop@1.0.0 true',
      'shop@1.1.0 true',
      'shop@1.2.0 true',
    ]);
  });

  it('makes the last deployed current, were it lower than others', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    for (const version of ['2.0.0', '1.9.0', '3.0.0-rc.1']) await deploy(apps, version);
    assert.equal(apps.resolve('shop').key, 'shop@3.0.0-rc.1');
    assert.equal(apps.resolve('shop@latest').key, 'shop@2.0.0');
    assert.equal(apps.resolve('shop@1').key, 'shop@1.9.0');
    const { versions } = apps.get('shop');
    const keys = versions.map(({ key }) => key);
    assert.deepEqual(keys, ['shop@3.0.0-rc.1', 'shop@2.0.0', 'shop@1.9.0']);
  });

  it('refuses a version that is there, and leaves it as it was', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    await deploy(apps, '1.0.0');
    await deploy(apps, '1.1.0');
    const again = deploy(apps, '1.0.0', { files: { 'main.js': 'changed' } });
    await assert.rejects(again, {
      kind: 'already_exists',
      reason: 'VERSION_EXISTS',
      message: /versions never change: raise the version/,
    });
    assert.equal(apps.resolve('shop').key, 'shop@1.1.0');
    const { directory } = apps.resolve('shop@1.0.0');
    assert.equal(await readFile(join(directory, 'main.js'), 'utf8'), MAIN_JS);
  });

  it('leaves nothing of what it refuses', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open({ mostUploadBytes: 5000 });
    const bad = { manifest: { concurrency: 0 } };
    await assert.rejects(deploy(apps, '1.0.0', bad), /concurrency: must be/);
    await assert.rejects(deploy(apps, '1.0.0', { files: {} }), /entrypoint: is missing/);
    const evil = gzipSync(await tarOf([{ name: '../x', body: 'evil' }]));
    await assert.rejects(apps.deploy(inPieces(evil), { signal }), { reason: 'BAD_ARCHIVE' });
    const long = inPieces(Buffer.alloc(5001));
    await assert.rejects(apps.deploy(long, { signal }), { reason: 'ARCHIVE_TOO_LARGE' });
    assert.deepEqual(apps.list(), []);
    assert.deepEqual(fixture.workers.calls, []);
    await until(async () => ((await incomingOf(fixture)).length === 0 ? true : undefined), 'clear');
    assert.deepEqual(await readdir(join(fixture.directory, 'apps')), ['.incoming']);
  });

  it('reads no further than the limit, and lets the sender go', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open({ mostUploadBytes: 10_000 });
    let sent = 0;
    let isReturned = false;
    async function* endless() {
      try {
        for (;;) yield Buffer.alloc(1000, (sent += 1));
      } finally {
        isReturned = true;
      }
    }
    await assert.rejects(apps.deploy(endless(), { signal }), /longer than/);
    assert.deepEqual([sent, isReturned], [11, true]);
  });

  it('takes the folder that everything lies in for the app, as npm packs', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    const entries = Object.entries({
      'package/manifest.json': JSON.stringify({ name: 'shop', version: '1.0.0' }),
      'package/main.js': MAIN_JS,
    }).map(([name, body]) => ({ name, body }));
    const { directory } = await apps.deploy(inPieces(await tarOf(entries)), { signal });
    assert.deepEqual((await readdir(directory)).toSorted(), ['main.js', 'manifest.json']);
  });

  it('ends with its signal, though the sender says nothing', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    const controller = new AbortController();
    const pending = apps.deploy(SILENT, { signal: controller.signal });
    controller.abort(new Error('hung up'));
    await assert.rejects(pending, /hung up/);
  });

  it('gives up a sender that takes forever', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    const pending = assert.rejects(apps.deploy(SILENT, { signal }), { kind: 'deadline_exceeded' });
    await fixture.clock.advance(DAY_MS);
    await pending;
  });

  it('takes only so many uploads at once', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    const controller = new AbortController();
    const pending = Array.from({ length: 4 }, () =>
      apps.deploy(SILENT, { signal: controller.signal }).catch(() => 'given up'),
    );
    await assert.rejects(deploy(apps, '1.0.0'), { reason: 'TOO_MANY_DEPLOYS' });
    controller.abort();
    await Promise.all(pending);
    await deploy(apps, '1.0.0');
  });

  it('of the same version twice at once lets one through', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    const results = await Promise.allSettled([deploy(apps, '1.0.0'), deploy(apps, '1.0.0')]);
    const failed = results.filter((it) => it.status === 'rejected');
    assert.equal(failed.length, 1);
    assert.ok(isErrorKind(failed[0]?.reason, 'already_exists'));
  });

  it('tells who listens', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    const heard: number[] = [];
    const listening = apps.onChange(() => heard.push(apps.list().length));
    await deploy(apps, '1.0.0');
    await apps.remove('shop');
    listening[Symbol.dispose]();
    await deploy(apps, '1.0.0');
    assert.deepEqual(heard, [1, 0]);
  });

  it('on a full disk is refused whole, and works when there is room again', async (t) => {
    using disk = SmallDisk.mount(t, 4);
    if (disk === undefined) return;
    await using fixture = await AppFixture.create();
    const apps = await fixture.open({ directory: join(disk.path, 'apps') });
    await deploy(apps, '1.0.0');
    for (const what of ['blocks', 'inodes'] as const) {
      disk.fill(what);
      await assert.rejects(deploy(apps, '1.1.0'), { reason: 'DISK_FULL' }, what);
      assert.equal(apps.resolve('shop').key, 'shop@1.0.0');
      disk.makeRoom();
    }
    await deploy(apps, '1.1.0');
    assert.equal(apps.resolve('shop').key, 'shop@1.1.0');
  });
});
