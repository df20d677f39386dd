import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { DroverError } from '#kernel/errors.ts';
import type { CustomerId } from '#kernel/ids.ts';
import { createImageCatalog } from './image-catalog.ts';

const FIELD = 'config.boot.kernel_path';
const ME = 'acme' as CustomerId;

describe('the image catalog', () => {
  let root = '';
  let images = '';
  let more = '';
  const at = (...parts: string[]) => join(images, ...parts);
  const catalog = () => createImageCatalog({ directories: [images, more] });

  before(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'drover-images-')));
    images = join(root, 'images');
    more = join(root, 'more');
    mkdirSync(at('demo'), { recursive: true });
    mkdirSync(at('customers', 'acme'), { recursive: true });
    mkdirSync(at('customers', 'other'), { recursive: true });
    mkdirSync(more);
    writeFileSync(at('demo', 'vmlinuz'), 'kernel');
    writeFileSync(at('customers', 'acme', 'disk.img'), Buffer.alloc(1000, 1));
    writeFileSync(at('customers', 'other', 'disk.img'), Buffer.alloc(1024, 1));
    writeFileSync(join(more, 'second'), 'more');
    writeFileSync(join(root, 'secret'), 'secret');
    symlinkSync(at('demo', 'vmlinuz'), at('inside-link'));
    symlinkSync(join(root, 'secret'), at('outside-link'));
    symlinkSync(root, at('outside-folder'));
    symlinkSync('/dev/zero', at('device'));
    execFileSync('mkfifo', [at('fifo')]);
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  async function refusal(path: string, customerId = ME): Promise<string> {
    const thrown = await catalog()
      .resolveDisk(FIELD, path, customerId)
      .then(
        () => assert.fail(`${path} was taken`),
        (error: unknown) => error,
      );
    assert.ok(thrown instanceof DroverError);
    assert.equal(thrown.kind, 'invalid_argument');
    assert.equal(thrown.metadata['field'], FIELD);
    return thrown.message;
  }

  it('resolves paths in any image directory, and /assets in the first', async () => {
    const resolveFile = (path: string) => catalog().resolveFile(FIELD, path, ME);
    assert.equal(await resolveFile('/assets/demo/vmlinuz'), at('demo', 'vmlinuz'));
    assert.equal(await resolveFile(at('demo', 'vmlinuz')), at('demo', 'vmlinuz'));
    assert.equal(await resolveFile(join(more, 'second')), join(more, 'second'));
    assert.equal(await resolveFile('/assets/inside-link'), at('demo', 'vmlinuz'));
    assert.equal(await resolveFile('/assets/demo/../demo/vmlinuz'), at('demo', 'vmlinuz'));
  });

  it('gives every path outside the same answer, there or not', async () => {
    const paths = [
      '/etc/shadow',
      '/etc/no-such-file',
      '/assets/../secret',
      '/assets/../no-such-file',
      '/assets/outside-link',
      '/assets/outside-folder/secret',
      '/assets/outside-folder/no-such-file',
      '/assets/device',
      `${images}-beside/file`,
      '/assets/customers/other/disk.img',
      '/assets/customers/other/no-such-file',
      '/assets/customers/nobody/disk.img',
    ];
    for (const path of paths) {
      assert.equal(
        await refusal(path),
        `${FIELD}: ${path} is outside the image directories; use /assets/…`,
      );
    }
  });

  it('refuses what is no absolute path, no file, or not there', async () => {
    assert.match(await refusal('demo/vmlinuz'), /must be an absolute path/);
    assert.match(await refusal('/assets/a\0b'), /must be an absolute path/);
    assert.match(await refusal(`/assets/${'x'.repeat(5000)}`), /must be an absolute path/);
    assert.match(await refusal('/assets/demo'), /is no regular file/);
    assert.match(await refusal('/assets/fifo'), /is no regular file/);
    assert.match(await refusal('/assets/demo/nothing'), /there is no file/);
    assert.match(await refusal('/assets/demo/vmlinuz/nothing'), /there is no file/);
  });

  it("knows a customer's own disks from shared ones", async () => {
    const own = await catalog().resolveDisk(FIELD, '/assets/customers/acme/disk.img', ME);
    assert.deepEqual(own, {
      realPath: at('customers', 'acme', 'disk.img'),
      format: 'raw',
      sizeBytes: 1024,
      isOwn: true,
    });
    const shared = await catalog().resolveDisk(FIELD, '/assets/demo/vmlinuz', ME);
    assert.equal(shared.isOwn, false);
  });

  function makeQcow2(name: string, ...args: string[]): string {
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...args, at(name), '8M']);
    return `/assets/${name}`;
  }

  it('tells the format by content, and the virtual size of qcow2', async () => {
    const disk = await catalog().resolveDisk(FIELD, makeQcow2('plain.img'), ME);
    assert.deepEqual([disk.format, disk.sizeBytes], ['qcow2', 8 * 1024 * 1024]);
    writeFileSync(at('wrong.qcow2'), Buffer.alloc(512));
    assert.match(await refusal('/assets/wrong.qcow2'), /is no qcow2 image/);
    writeFileSync(at('foreign.vmdk'), 'KDMV and so on');
    assert.match(await refusal('/assets/foreign.vmdk'), /is a VMDK image; convert/);
    writeFileSync(at('empty.img'), '');
    assert.match(await refusal('/assets/empty.img'), /is empty/);
  });

  it('refuses a qcow2 image that names a file outside as its base or for its data', async () => {
    const outside = /based on a file outside the image directories/;
    const backed = (name: string, base: string) => makeQcow2(name, '-u', '-F', 'raw', '-b', base);
    assert.match(await refusal(backed('b1.qcow2', '/etc/shadow')), outside);
    assert.match(await refusal(backed('b2.qcow2', '../secret')), outside);
    assert.match(await refusal(backed('b3.qcow2', 'nbd://127.0.0.1/x')), outside);
    assert.match(await refusal(backed('b4.qcow2', 'json:{"driver":"null-co"}')), outside);
    assert.match(await refusal(backed('b5.qcow2', 'customers/other/disk.img')), outside);
    const layer = backed('b6.qcow2', 'b1.qcow2');
    assert.match(await refusal(layer), outside);
    const dataFile = makeQcow2('data.qcow2', '-o', `data_file=${join(root, 'data')}`);
    assert.match(await refusal(dataFile), /keeps its data in another file/);
  });

  it('takes a qcow2 image that is based on another in the image directories', async () => {
    const path = makeQcow2('good.qcow2', '-u', '-F', 'raw', '-b', 'customers/acme/disk.img');
    assert.equal((await catalog().resolveDisk(FIELD, path, ME)).format, 'qcow2');
    assert.match(await refusal(path, 'other' as CustomerId), /based on a file outside/);
    const loop = makeQcow2('loop.qcow2', '-u', '-F', 'qcow2', '-b', 'loop.qcow2');
    assert.match(await refusal(loop), /has too many layers/);
  });

  it('refuses damaged headers without trusting a number in them', async () => {
    makeQcow2('sound.qcow2', '-u', '-F', 'raw', '-b', 'demo/vmlinuz');
    const head = Buffer.from(execFileSync('head', ['-c', '4096', at('sound.qcow2')]));
    const damages: readonly [number, Buffer][] = [
      [4, Buffer.from([0, 0, 0, 9])],
      [20, Buffer.from([0, 0, 0, 63])],
      [24, Buffer.alloc(8, 0xff)],
      [24, Buffer.alloc(8)],
      [8, Buffer.alloc(8, 0xff)],
      [16, Buffer.alloc(4, 0xff)],
      [16, Buffer.alloc(4)],
      [32, Buffer.from([0, 0, 0, 1])],
      [72, Buffer.alloc(8, 0xff)],
    ];
    for (const [position, bytes] of damages) {
      const damaged = Buffer.from(head);
      damaged.set(bytes, position);
      writeFileSync(at('damaged.img'), damaged);
      assert.match(await refusal('/assets/damaged.img'), /qcow2 image/);
    }
    for (const length of [4, 20, 71, 103]) {
      writeFileSync(at('damaged.img'), head.subarray(0, length));
      assert.match(await refusal('/assets/damaged.img'), /cut off/);
    }
  });
});
