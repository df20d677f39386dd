import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';

import { isErrorKind } from '#kernel/errors.ts';
import { loadModules, openKernelTree, orderModules, parseModuleDepends } from './kernel-modules.ts';

function moduleFile(depends: string): Buffer {
  return Buffer.from(`\x7fELF…\0license=GPL\0depends=${depends}\0name=x\0`);
}

describe('what a kernel module depends on', () => {
  it('is the list after depends=, in the names the kernel uses', () => {
    assert.deepEqual(parseModuleDepends(moduleFile('virtio,virtio-ring')), [
      'virtio',
      'virtio_ring',
    ]);
    assert.deepEqual(parseModuleDepends(moduleFile('')), []);
  });

  it('cannot be read from a file that is no module', () => {
    assert.throws(() => parseModuleDepends(Buffer.from('a text')), { kind: 'failed_precondition' });
  });
});

describe('the order of loading', () => {
  it('puts each module after all it depends on, once', () => {
    const depends = new Map([
      ['net', ['failover', 'virtio']],
      ['failover', []],
      ['virtio', ['ring']],
      ['ring', []],
      ['blk', ['virtio']],
    ]);
    assert.deepEqual(orderModules(['net', 'blk'], depends), [
      'failover',
      'ring',
      'virtio',
      'net',
      'blk',
    ]);
  });

  it('refuses a circle, naming a module of it', () => {
    const depends = new Map([
      ['a', ['b']],
      ['b', ['a']],
    ]);
    assert.throws(() => orderModules(['a'], depends), /kernel module a depends on itself/);
  });
});

describe('an unpacked kernel', () => {
  let directory: string;
  before(async () => {
    directory = join(await mkdtemp(join(tmpdir(), 'drover-modules-')), '6.1.0-test');
    await mkdir(join(directory, 'kernel', 'drivers'), { recursive: true });
    await writeFile(join(directory, 'modules.builtin'), 'kernel/lib/crc32c-generic.ko\n');
    const drivers = join(directory, 'kernel', 'drivers');
    await writeFile(join(drivers, 'virtio-blk.ko'), moduleFile('virtio,crc32c_generic'));
    await writeFile(join(drivers, 'virtio.ko.gz'), gzipSync(moduleFile('')));
  });
  after(() => rm(join(directory, '..'), { recursive: true }));

  it('gives modules unpacked and leaves out what is built in', async () => {
    const tree = await openKernelTree(directory);
    const modules = await loadModules(
      tree,
      ['virtio_blk', 'crc32c_generic'],
      AbortSignal.timeout(10_000),
    );
    assert.equal(tree.release, '6.1.0-test');
    assert.deepEqual(
      modules.map(({ name }) => name),
      ['virtio', 'virtio_blk'],
    );
    assert.deepEqual(modules[0]?.content, moduleFile(''));
  });

  it('says which driver it lacks', async () => {
    const tree = await openKernelTree(directory);
    await assert.rejects(
      loadModules(tree, ['virtio_net'], AbortSignal.timeout(10_000)),
      (thrown) => {
        assert.ok(isErrorKind(thrown, 'failed_precondition'));
        assert.match(String(thrown), /6\.1\.0-test has no driver virtio_net/);
        return true;
      },
    );
  });
});
