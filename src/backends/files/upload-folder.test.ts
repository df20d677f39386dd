import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { UploadFolder } from './upload-folder.ts';

const { signal } = new AbortController();
const NOW = Date.UTC(2026, 0, 17);

async function openFolder(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'drover-upload-'));
  t.after(() => rm(root, { recursive: true }));
  const directory = join(root, 'uploads');
  const folder = new UploadFolder({ directory, clock: new FakeClock(NOW) });
  return { directory, folder };
}

async function* bodyOf(...parts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function* brokenBody(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('half of ');
  throw new Error('the connection broke');
}

describe('a folder of uploads', () => {
  it('takes files, lists them, and removes them', async (t) => {
    const { directory, folder } = await openFolder(t);
    assert.deepEqual(await folder.list(signal), []);
    const saved = await folder.save('web (1).ova', bodyOf('all ', 'of it'));
    assert.deepEqual([saved.name, saved.sizeBytes], ['web (1).ova', 9]);
    assert.equal(await readFile(saved.path, 'utf8'), 'all of it');
    await folder.save('a.qcow2', bodyOf());
    const names = (await folder.list(signal)).map(({ name }) => name);
    assert.deepEqual(names, ['a.qcow2', 'web (1).ova']);
    await folder.remove('a.qcow2');
    await assert.rejects(folder.remove('a.qcow2'), { kind: 'not_found' });
    assert.deepEqual(await readdir(directory), ['web (1).ova']);
  });

  it('keeps nothing of a file that did not come whole', async (t) => {
    const { directory, folder } = await openFolder(t);
    await assert.rejects(folder.save('web.ova', brokenBody()), /broke/);
    assert.deepEqual(await readdir(directory), []);
  });

  it('writes over nothing, even where two send the same', async (t) => {
    const { folder } = await openFolder(t);
    const both = ['one', 'two'].map((text) => folder.save('web.ova', bodyOf(text)));
    const states = (await Promise.allSettled(both)).map(({ status }) => status);
    assert.deepEqual(states.toSorted(), ['fulfilled', 'rejected']);
    await assert.rejects(folder.save('web.ova', bodyOf('3')), { kind: 'already_exists' });
  });

  it('has a few under way at the same time, and no more', async (t) => {
    const { folder } = await openFolder(t);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    async function* waiting(): AsyncGenerator<Uint8Array> {
      await promise;
      yield Buffer.from('x');
    }
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) => folder.save(name, waiting()));
    await assert.rejects(Promise.race(all), { reason: 'TOO_MANY_UPLOADS' });
    resolve(undefined);
    const states = (await Promise.allSettled(all)).map(({ status }) => status);
    assert.equal(states.filter((state) => state === 'fulfilled').length, 4);
  });

  it('has no name that leads elsewhere', async (t) => {
    const { directory, folder } = await openFolder(t);
    for (const name of ['', '.', '..', '../a', 'a/b', '.hidden', 'a\nb', 'x'.repeat(201)]) {
      await assert.rejects(folder.save(name, bodyOf('x')), { kind: 'invalid_argument' });
      await assert.rejects(folder.remove(name), { kind: 'invalid_argument' });
    }
    await folder.save('a', bodyOf('x'));
    await symlink('/etc/passwd', join(directory, 'link'));
    await assert.rejects(folder.remove('link'), { kind: 'not_found' });
    await assert.rejects(folder.save('link', bodyOf('x')), { kind: 'already_exists' });
    assert.equal((await folder.list(signal)).length, 1);
  });

  it('removes what a process left behind that died a day ago', async (t) => {
    const { directory, folder } = await openFolder(t);
    await folder.save('a', bodyOf('x'));
    for (const [name, hours] of [
      ['.old.ova-12345678.partial', 25],
      ['.new.ova-12345678.partial', 1],
    ] as const) {
      await writeFile(join(directory, name), '');
      const at = NOW / 1000 - hours * 3600;
      await utimes(join(directory, name), at, at);
    }
    await folder.save('b', bodyOf('x'));
    assert.deepEqual((await readdir(directory)).toSorted(), [
      '.new.ova-12345678.partial',
      'a',
      'b',
    ]);
  });
});
