import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { AppFixture, appArchive, inPieces, OPEN_POLICY } from '#test/app-fixture.ts';
import { createLogCapture } from '#test/log-capture.ts';
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

describe('rolling back', () => {
  it('goes back step by step through what was current', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    for (const version of ['1.0.0', '1.1.0', '1.2.0']) await deploy(apps, version);
    assert.equal((await apps.rollback('shop')).current.key, 'shop@1.1.0');
    assert.equal((await apps.rollback('shop')).current.key, 'shop@1.0.0');
    await assert.rejects(apps.rollback('shop'), { reason: 'NOTHING_TO_ROLL_BACK_TO' });
    assert.equal((await apps.rollback('shop', '1.2.0')).current.key, 'shop@1.2.0');
    assert.equal((await apps.rollback('shop')).current.key, 'shop@1.0.0');
  });

  it('gives the minimum of workers to what is current, and takes it from what was', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    for (const version of ['1.0.0', '1.1.0']) {
      await deploy(apps, version, { manifest: { min_workers: 3 } });
    }
    await apps.rollback('shop');
    const least = (key: string) => fixture.workers.admitted.get(key)?.limits.minWorkers;
    assert.deepEqual([least('shop@1.0.0'), least('shop@1.1.0')], [3, 0]);
  });

  it('passes over versions that were removed', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    for (const version of ['1.0.0', '1.1.0', '1.2.0']) await deploy(apps, version);
    await apps.remove('shop', '1.1.0');
    assert.equal((await apps.rollback('shop')).current.key, 'shop@1.0.0');
  });

  it('says which versions there are when it is asked for another', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    for (const version of ['1.0.0', '1.1.0']) await deploy(apps, version);
    const message = /no version 9\.0\.0; there are 1\.1\.0, 1\.0\.0/;
    await assert.rejects(apps.rollback('shop', '9.0.0'), { reason: 'APP_NOT_FOUND', message });
    await assert.rejects(apps.rollback('none'), { reason: 'APP_NOT_FOUND' });
  });
});

describe('removing', () => {
  it('frees a version, once its work is done, and never the current one', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    for (const version of ['1.0.0', '1.1.0']) await deploy(apps, version);
    await assert.rejects(apps.remove('shop', '1.1.0'), { reason: 'VERSION_IS_CURRENT' });
    const { directory } = apps.resolve('shop@1.0.0');
    const work = Promise.withResolvers<void>();
    fixture.workers.beforeRetired = work.promise;
    const removing = apps.remove('shop', '1.0.0');
    await until(() => (fixture.workers.admitted.has('shop@1.0.0') ? undefined : true), 'it');
    assert.throws(() => apps.resolve('shop@1.0.0'), { kind: 'not_found' });
    await stat(directory);
    work.resolve();
    await removing;
    await assert.rejects(stat(directory), /ENOENT/);
    await deploy(apps, '1.0.0', { files: { 'main.js': 'new' } });
    assert.equal(await readFile(join(directory, 'main.js'), 'utf8'), 'new');
  });

  it('takes an app away with its log, and everybody following it', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    for (const version of ['1.0.0', '1.1.0']) await deploy(apps, version);
    apps.onOutput('shop@1.0.0', 'stdout', 'hello');
    const lines = apps.logs('shop').follow(signal);
    const next = lines.next();
    await apps.remove('shop');
    assert.deepEqual(await next, { value: undefined, done: true });
    assert.deepEqual(fixture.workers.calls.slice(-2).toSorted(), [
      'retire shop@1.0.0',
      'retire shop@1.1.0',
    ]);
    assert.deepEqual(await readdir(join(fixture.directory, 'apps')), ['.incoming']);
    assert.throws(() => apps.resolve('shop'), { reason: 'APP_NOT_FOUND' });
    assert.throws(() => apps.logs('shop'), { reason: 'APP_NOT_FOUND' });
    await assert.rejects(apps.remove('shop'), { reason: 'APP_NOT_FOUND' });
    apps.onOutput('shop@1.0.0', 'stdout', 'late');
    assert.deepEqual(apps.list(), []);
    await deploy(apps, '1.0.0');
    assert.deepEqual(await apps.logs('shop').read({ lines: 10 }), []);
  });
});

describe('what is resolved', () => {
  it('is never found for what is no name', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    await deploy(apps, '1.0.0');
    const specs = [
      '',
      '@',
      'shop@',
      '@1',
      'shop@x',
      'shop@1@2',
      'Shop',
      '../shop',
      'shop@../1.0.0',
    ];
    for (const spec of [...specs, 'none', 'shop@2', '__proto__', `shop@${'1'.repeat(300)}`]) {
      assert.throws(() => apps.resolve(spec), { kind: 'not_found', reason: 'APP_NOT_FOUND' }, spec);
    }
  });

  it('changes with every deploy, rollback and removal', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    const meant = () => ['shop', 'shop@^1', 'shop@latest'].map((spec) => apps.resolve(spec).key);
    await deploy(apps, '1.0.0');
    assert.deepEqual(meant(), Array(3).fill('shop@1.0.0'));
    await deploy(apps, '1.1.0');
    assert.deepEqual(meant(), Array(3).fill('shop@1.1.0'));
    await apps.rollback('shop');
    assert.deepEqual(meant(), ['shop@1.0.0', 'shop@1.1.0', 'shop@1.1.0']);
    await apps.remove('shop', '1.1.0');
    assert.deepEqual(meant(), Array(3).fill('shop@1.0.0'));
  });
});

describe('opening again', () => {
  it('finds everything as it was', async () => {
    await using fixture = await AppFixture.create();
    const before = await fixture.open();
    const manifest = { min_workers: 1 };
    for (const version of ['1.0.0', '1.1.0', '1.2.0']) await deploy(before, version, { manifest });
    await before.rollback('shop');
    const list = before.list();
    fixture.workers.calls.length = 0;
    const apps = await fixture.open();
    assert.deepEqual(apps.list(), list);
    assert.deepEqual(fixture.workers.calls.toSorted(), [
      'admit shop@1.0.0 min 0',
      'admit shop@1.1.0 min 1',
      'admit shop@1.2.0 min 0',
    ]);
    assert.equal((await apps.rollback('shop')).current.key, 'shop@1.0.0');
  });

  it('clears what was never deployed, or was removed and not yet deleted', async () => {
    await using fixture = await AppFixture.create();
    await deploy(await fixture.open(), '1.0.0');
    const root = join(fixture.directory, 'apps');
    const before = await fixture.open();
    await before[Symbol.asyncDispose]();
    await cp(join(root, 'shop/1.0.0'), join(root, 'shop/2.0.0'), { recursive: true });
    await cp(join(root, 'shop/1.0.0'), join(root, 'other/1.0.0'), { recursive: true });
    await mkdir(join(root, '.incoming/left/over'), { recursive: true });
    const apps = await fixture.open();
    assert.deepEqual(
      apps.list().flatMap(({ versions }) => versions.map(({ key }) => key)),
      ['shop@1.0.0'],
    );
    await apps[Symbol.asyncDispose]();
    assert.deepEqual((await readdir(root)).toSorted(), ['.incoming', 'shop']);
    assert.deepEqual((await readdir(join(root, 'shop'))).toSorted(), ['1.0.0', 'state.json']);
    assert.deepEqual(await incomingOf(fixture), []);
  });

  it('leaves out a version that cannot be read, and says so in the log', async () => {
    await using fixture = await AppFixture.create();
    const before = await fixture.open();
    for (const version of ['1.0.0', '1.1.0']) await deploy(before, version);
    await writeFile(join(fixture.directory, 'apps/shop/1.1.0/manifest.json'), '{');
    const capture = createLogCapture();
    const apps = await fixture.open({ log: capture.log });
    assert.match(capture.text(), /shop@1\.1\.0.*an app is left out/);
    assert.throws(() => apps.resolve('shop'), /version 1\.1\.0 of app shop cannot be read/);
    assert.equal(apps.resolve('shop@1.0.0').key, 'shop@1.0.0');
    assert.deepEqual(apps.list(), []);
    assert.equal((await apps.rollback('shop')).current.key, 'shop@1.0.0');
    await apps.remove('shop', '1.1.0');
    assert.equal(apps.list().length, 1);
  });

  it('leaves out what operators no longer allow', async () => {
    await using fixture = await AppFixture.create();
    const generous = { ...OPEN_POLICY, grants: ['worker'] as const };
    await deploy(await fixture.open({ policy: generous }), '1.0.0', {
      manifest: { grants: ['worker'] },
    });
    const apps = await fixture.open();
    assert.throws(() => apps.resolve('shop'), { kind: 'not_found' });
    assert.equal((await fixture.open({ policy: generous })).list().length, 1);
  });

  it('touches nothing of an app whose state is damaged', async () => {
    await using fixture = await AppFixture.create();
    await deploy(await fixture.open(), '1.0.0');
    const path = join(fixture.directory, 'apps/shop/state.json');
    for (const text of ['', '{}', '{"format":2}', (await readFile(path, 'utf8')).slice(0, 40)]) {
      await writeFile(path, text);
      const capture = createLogCapture();
      const apps = await fixture.open({ log: capture.log });
      assert.match(capture.text(), /the state of an app cannot be read/);
      await assert.rejects(deploy(apps, '2.0.0'), { kind: 'data_loss' });
      await assert.rejects(apps.remove('shop'), { kind: 'data_loss' });
      assert.equal(await readFile(path, 'utf8'), text);
      await stat(join(fixture.directory, 'apps/shop/1.0.0/main.js'));
    }
  });

  it('passes over what is no app', async () => {
    await using fixture = await AppFixture.create();
    const root = join(fixture.directory, 'apps');
    await deploy(await fixture.open(), '1.0.0');
    await writeFile(join(root, 'notes.txt'), 'mine');
    await rm(join(root, 'shop/logs'), { recursive: true, force: true });
    await mkdir(join(root, 'Not An App'));
    const apps = await fixture.open();
    assert.equal(apps.list().length, 1);
    assert.ok((await readdir(root)).includes('Not An App'));
  });
});

describe('closing', () => {
  it('gives up uploads, and is not open for new ones', async () => {
    await using fixture = await AppFixture.create();
    const apps = await fixture.open();
    const pending = assert.rejects(apps.deploy(SILENT, { signal }), { kind: 'unavailable' });
    await apps[Symbol.asyncDispose]();
    await pending;
    await assert.rejects(deploy(apps, '1.0.0'), { kind: 'unavailable' });
    assert.equal(fixture.clock.pendingTimers, 0);
  });
});
