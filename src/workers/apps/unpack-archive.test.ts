import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { DroverError } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';
import { tarOf, type TarEntry } from '#test/app-fixture.ts';
import { SmallDisk } from '#test/fault/small-disk.ts';
import type { UnpackLimits } from './archive-tree.ts';
import { unpackArchive, type UnpackResult } from './unpack-archive.ts';

const LIMITS: UnpackLimits = {
  totalBytes: 20 * MIB,
  fileBytes: 10 * MIB,
  entries: 1000,
  ratio: 200,
};

class Place implements AsyncDisposable {
  readonly root: string;
  readonly progress: unknown[] = [];

  constructor(root: string) {
    this.root = root;
  }

  static async create(): Promise<Place> {
    return new Place(await mkdtemp(join(tmpdir(), 'drover-unpack-')));
  }

  get out(): string {
    return join(this.root, 'out');
  }

  async unpack(
    archive: Buffer,
    { limits = LIMITS, signal = new AbortController().signal } = {},
  ): Promise<UnpackResult> {
    await rm(this.out, { recursive: true, force: true });
    await mkdir(this.out);
    const archivePath = join(this.root, 'archive');
    await writeFile(archivePath, archive);
    const progress = (value: unknown) => void this.progress.push(value);
    return await unpackArchive({ archivePath, directory: this.out, limits }, { signal, progress });
  }

  async refusalOf(archive: Buffer): Promise<string> {
    try {
      await this.unpack(archive);
      return 'nothing';
    } catch (thrown) {
      if (!(thrown instanceof DroverError)) throw thrown;
      return `${thrown.reason}: ${thrown.message}`;
    }
  }

  async names(): Promise<string[]> {
    return (await readdir(this.out, { recursive: true })).toSorted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}

/** A tar header by hand, for what no library would write. */
function header(fields: {
  readonly name?: string;
  readonly type?: string;
  readonly size?: string;
}): Buffer {
  const block = Buffer.alloc(512);
  block.write(fields.name ?? 'x', 0, 'latin1');
  block.write('0000644\0', 100);
  block.write(fields.size ?? '00000000000\0', 124, 'latin1');
  block.write('        ', 148);
  block.write(fields.type ?? '0', 156);
  block.write('ustar\u000000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** The entries of such a header, whole blocks, with the end of an archive behind. */
function archiveOf(...blocks: readonly Buffer[]): Buffer {
  const padded = blocks.map((it) =>
    Buffer.concat([it, Buffer.alloc((512 - (it.length % 512)) % 512)]),
  );
  return Buffer.concat([...padded, Buffer.alloc(1024)]);
}

function paxOf(...records: readonly (readonly [string, string])[]): Buffer {
  const body = Buffer.concat(
    records.map(([key, value]) => {
      const rest = Buffer.byteLength(` ${key}=${value}\n`);
      const digits = String(rest + String(rest).length).length;
      return Buffer.from(`${rest + digits} ${key}=${value}\n`);
    }),
  );
  const size = `${body.length.toString(8).padStart(11, '0')}\0`;
  return archiveOf(header({ name: 'pax', type: 'x', size }), body).subarray(0, -1024);
}

describe('unpackArchive', () => {
  for (const packed of ['gzip', 'plain'] as const) {
    it(`unpacks a ${packed} tar file, whatever modes it asks for`, async () => {
      await using place = await Place.create();
      const big = Buffer.alloc(3 * MIB, 'abc');
      const tar = await tarOf([
        { name: './', type: 'directory', mode: 0 },
        { name: './manifest.json', body: '{}', mode: 0o4777 },
        { name: './lib/deep/é.js', body: 'x', mode: 0 },
        { name: './lib/big.bin', body: big },
        { name: './empty', body: '' },
        { name: './hollow', type: 'directory', mode: 0o1777 },
      ]);
      const result = await place.unpack(packed === 'gzip' ? gzipSync(tar, { level: 0 }) : tar);
      assert.deepEqual(result, { root: '', fileCount: 4, sizeBytes: big.length + 3 });
      assert.deepEqual(await place.names(), [
        'empty',
        'hollow',
        'lib',
        'lib/big.bin',
        'lib/deep',
        'lib/deep/é.js',
        'manifest.json',
      ]);
      assert.deepEqual(await readFile(join(place.out, 'lib/big.bin')), big);
      const modes = await Promise.all(
        ['manifest.json', 'lib/deep/é.js', 'lib', 'hollow'].map(
          async (name) => (await stat(join(place.out, name))).mode & 0o7777,
        ),
      );
      assert.deepEqual(modes, [0o644, 0o644, 0o755, 0o755]);
    });
  }

  it('unpacks what GNU tar packs, long names and folders of npm among it', async () => {
    await using place = await Place.create();
    const folder = join(place.root, 'src/package/some/rather/long/way', 'n'.repeat(90));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'file.js'), 'x');
    await writeFile(join(place.root, 'src/package/manifest.yaml'), 'name: x');
    // Too long for one header, and short enough for the oldest format.
    await writeFile(join(folder, 'm'.repeat(60)), 'y');
    for (const format of ['gnu', 'pax', 'ustar']) {
      const options = ['-C', join(place.root, 'src'), `--format=${format}`, '-czf', '-', 'package'];
      const archive = execFileSync('tar', options);
      assert.deepEqual(await place.unpack(archive), {
        root: 'package',
        fileCount: 3,
        sizeBytes: 9,
      });
    }
  });

  it('names the one top folder only when the manifest is in it', async () => {
    await using place = await Place.create();
    const rootOf = async (...names: readonly string[]) =>
      (await place.unpack(await tarOf(names.map((name) => ({ name, body: 'x' }))))).root;
    assert.equal(await rootOf('package/manifest.yml', 'package/a'), 'package');
    assert.equal(await rootOf('package/a'), '');
    assert.equal(await rootOf('package/manifest.yml', 'other'), '');
    assert.equal(await rootOf('a/manifest.yml', 'b/x'), '');
    assert.equal(await rootOf('manifest.yml'), '');
  });

  it('tells how far it is, also of more files than are made safe one by one', async () => {
    await using place = await Place.create();
    const files = Array.from({ length: 600 }, (_, at) => ({ name: `f${at}`, body: 'xy' }));
    const { fileCount } = await place.unpack(await tarOf(files));
    assert.equal(fileCount, 600);
    assert.deepEqual(place.progress.slice(0, 2), [
      { fileCount: 100, sizeBytes: 200 },
      { fileCount: 200, sizeBytes: 400 },
    ]);
    assert.equal(place.progress.length, 6);
  });

  const HOSTILE: Readonly<Record<string, () => Promise<Buffer> | Buffer>> = {
    'a link out': () => tarOf([{ name: 'x', type: 'symlink', linkname: '/etc' }]),
    'a link out and a file through it': () =>
      tarOf([
        { name: 'x', type: 'symlink', linkname: '..' },
        { name: 'x/evil', body: 'evil' },
      ]),
    'a hard link': () => tarOf([{ name: 'x', type: 'link', linkname: 'archive' }]),
    'a device': () => tarOf([{ name: 'x', type: 'character-device', devmajor: 1, devminor: 3 }]),
    'a pipe': () => tarOf([{ name: 'x', type: 'fifo' }]),
    'a way out': () => tarOf([{ name: '../evil', body: 'evil' }]),
    'a way out by a folder': () => tarOf([{ name: '../evil', type: 'directory' }]),
    'an absolute path': () => tarOf([{ name: '/tmp/evil', body: 'evil' }]),
    'a way out in a pax header': () => archiveOf(paxOf(['path', '../evil']), header({})),
    'a NUL in a pax header': () => archiveOf(paxOf(['path', 'a\0/../b']), header({})),
    'a way out by the prefix': () => {
      const block = header({});
      block.write('..', 345);
      return archiveOf(resum(block));
    },
    'a way out in a long name of GNU': () =>
      archiveOf(header({ type: 'L', size: '00000000010\0' }), Buffer.from('../evil\0'), header({})),
    'a file over a file': () =>
      tarOf([
        { name: 'a', body: '1' },
        { name: 'a', body: '2' },
      ]),
    'a sparse file': () => archiveOf(header({ type: 'S' })),
    'a volume header': () => archiveOf(header({ type: 'V' })),
    'a size below zero': () =>
      archiveOf(header({ size: Buffer.from([...Array(11).fill(0xff), 0]).toString('latin1') })),
    'a size that is no number': () => archiveOf(header({ size: 'zzzzzzzzzzz\0' })),
    'a size beyond reason': () =>
      archiveOf(header({ size: Buffer.from([0x80, ...Array(11).fill(0x7f)]).toString('latin1') })),
    'a size in a pax header that is none': () => archiveOf(paxOf(['size', '-5']), header({})),
    'a pax header of 1 GiB': () => archiveOf(header({ type: 'x', size: '10000000000\0' })),
    'a pax header of 4 GiB in GNU form': () =>
      archiveOf(header({ type: 'L', size: '40000000000\0' })),
    'a wrong checksum': () => {
      const block = header({});
      block.write('y', 0);
      return archiveOf(block);
    },
    'nothing after the first blocks': async () =>
      (await tarOf([{ name: 'a', body: 'x'.repeat(2000) }])).subarray(0, 1024),
    'no end between two files': async () =>
      (await tarOf([{ name: 'a', body: 'x' }])).subarray(0, 1024),
    'an end in the middle of the gzip': async () => {
      const archive = gzipSync(await tarOf([{ name: 'a', body: Buffer.alloc(50_000, 'ab12') }]));
      return archive.subarray(0, archive.length / 2);
    },
    'a gzip that is damaged': async () => {
      const archive = gzipSync(await tarOf([{ name: 'a', body: 'x' }]));
      archive.fill(0x55, 20, 40);
      return archive;
    },
    'a zip file': () => Buffer.from('PK\u0003\u0004 and so on'),
    'a text': () => Buffer.from('hello'),
    nothing: () => Buffer.alloc(0),
    'gzip of a text': () => gzipSync('hello'),
    'gzip of gzip': () => gzipSync(gzipSync('hello')),
  };
  for (const [what, make] of Object.entries(HOSTILE)) {
    it(`refuses an archive with ${what}, and writes nothing outside`, async () => {
      await using place = await Place.create();
      const refusal = await place.refusalOf(await make());
      assert.match(refusal, /^(?:BAD_ARCHIVE|ARCHIVE_TOO_LARGE): /);
      assert.deepEqual((await readdir(place.root)).toSorted(), ['archive', 'out']);
    });
  }

  it('stops a bomb of zeros long before it has burst', async () => {
    await using place = await Place.create();
    const zeros = Buffer.alloc(10 * MIB);
    const entries: TarEntry[] = Array.from({ length: 2 }, (_, at) => ({
      name: `zeros${at}`,
      body: zeros,
    }));
    const bomb = gzipSync(await tarOf(entries), { level: 9 });
    assert.match(await place.refusalOf(bomb), /ARCHIVE_TOO_LARGE: .*more than 200 times/);
    const sizes = await Promise.all(
      (await place.names()).map(async (name) => (await stat(join(place.out, name))).size),
    );
    assert.ok(sizes.reduce((sum, size) => sum + size, 0) <= bomb.length * 200 + MIB);
  });

  it('stops a bomb that holds no files at all', async () => {
    await using place = await Place.create();
    const start = await tarOf([{ name: 'a', body: 'x' }]);
    const bomb = gzipSync(Buffer.concat([start, Buffer.alloc(30 * MIB)]), { level: 9 });
    assert.match(await place.refusalOf(bomb), /ARCHIVE_TOO_LARGE/);
    const pax = Buffer.concat(Array<Buffer>(20).fill(paxOf(['comment', 'x'.repeat(MIB)])));
    assert.match(await place.refusalOf(gzipSync(pax)), /ARCHIVE_TOO_LARGE/);
  });

  it('lets a small archive be as dense as it likes', async () => {
    await using place = await Place.create();
    const archive = gzipSync(await tarOf([{ name: 'a', body: Buffer.alloc(MIB / 2) }]));
    assert.ok(archive.length * 200 < MIB / 2);
    assert.equal((await place.unpack(archive)).sizeBytes, MIB / 2);
  });

  it('keeps the limits on files and on all of them', async () => {
    await using place = await Place.create();
    const tooLong = await tarOf([{ name: 'a', body: Buffer.alloc(10 * MIB + 1, 'x') }]);
    assert.match(await place.refusalOf(tooLong), /"a" is larger than 10 MiB/);
    const body = Buffer.alloc(9 * MIB, 'x');
    const tooMuch = await tarOf(['a', 'b', 'c'].map((name) => ({ name, body })));
    assert.match(await place.refusalOf(tooMuch), /more than 20 MiB/);
    const many = Array.from({ length: 1001 }, (_, at) => ({ name: `${at}`, body: '' }));
    assert.match(await place.refusalOf(await tarOf(many)), /more than 1000 files/);
  });

  it('does not follow a link that lies where the archive should', async () => {
    await using place = await Place.create();
    await place.unpack(await tarOf([{ name: 'a', body: 'x' }]));
    await symlink(join(place.root, 'archive'), join(place.root, 'link'));
    const input = { archivePath: join(place.root, 'link'), directory: place.out, limits: LIMITS };
    const context = { signal: new AbortController().signal, progress: () => undefined };
    await assert.rejects(unpackArchive(input, context), /ELOOP/);
  });

  it('stops with the reason of the signal', async () => {
    await using place = await Place.create();
    const reason = new Error('enough');
    const files = Array.from({ length: 900 }, (_, at) => ({ name: `f${at}`, body: 'xy' }));
    const aborted = place.unpack(await tarOf(files), { signal: AbortSignal.abort(reason) });
    await assert.rejects(aborted, reason);
    const controller = new AbortController();
    place.progress.push = () => {
      controller.abort(reason);
      return 0;
    };
    const midway = place.unpack(await tarOf(files), { signal: controller.signal });
    await assert.rejects(midway, reason);
    assert.ok((await place.names()).length < 900);
  });

  it('says so when the disk is full', async (t) => {
    using disk = SmallDisk.mount(t, 1);
    if (disk === undefined) return;
    await using place = await Place.create();
    const archivePath = join(place.root, 'archive');
    await writeFile(archivePath, await tarOf([{ name: 'a', body: Buffer.alloc(2 * MIB, 'x') }]));
    const context = { signal: new AbortController().signal, progress: () => undefined };
    await assert.rejects(
      unpackArchive({ archivePath, directory: disk.path, limits: LIMITS }, context),
      { kind: 'resource_exhausted', reason: 'DISK_FULL' },
    );
  });
});

/** After a change by hand. */
function resum(block: Buffer): Buffer {
  block.write('        ', 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
