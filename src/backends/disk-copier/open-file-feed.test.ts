import assert from 'node:assert/strict';
import {
  appendFile,
  mkdir,
  mkdtemp,
  open,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { assertSameContent } from '#test/disks/same-content.ts';
import { makeImage } from '#test/packages.ts';
import { openFileFeed } from './open-file-feed.ts';

const { signal } = new AbortController();
const SPLIT = ['vmdk', '-o', 'subformat=twoGbMaxExtentFlat'];

async function openFolder(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'drover-feed-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

describe('an image that lies here', () => {
  it('is read where it is in an archive, whatever its kind', async (t) => {
    const directory = await openFolder(t);
    for (const [name, options] of [
      ['stream.vmdk', ['vmdk', '-o', 'subformat=streamOptimized']],
      ['sparse.vmdk', ['vmdk']],
      ['disk.qcow2', ['qcow2', '-c']],
      ['disk.raw', ['raw']],
    ] as const) {
      const { raw, image } = await makeImage(directory, name, options);
      const bytes = await readFile(image);
      const archive = join(directory, `${name}.tar`);
      await writeFile(archive, Buffer.concat([Buffer.alloc(512, 1), bytes, Buffer.alloc(512, 2)]));
      const part = { offset: 512, length: bytes.length };
      const feed = await openFileFeed({ kind: 'file', path: archive, part }, signal);
      await using reader = feed.reader;
      await assertSameContent(reader, raw, { of: name });
    }
  });

  it('is of another state when any of its files is', async (t) => {
    const directory = await openFolder(t);
    const { image } = await makeImage(directory, 'split.vmdk', SPLIT);
    const extent = join(directory, 'split-f001.vmdk');
    const read = async () => {
      const { reader, state } = await openFileFeed({ kind: 'file', path: image }, signal);
      await reader[Symbol.asyncDispose]();
      return state;
    };
    const before = await read();
    assert.equal(await read(), before);
    await appendFile(extent, 'x');
    assert.notEqual(await read(), before);
  });

  it('has no file that is a link, and none beside an archive', async (t) => {
    const directory = await openFolder(t);
    const { image } = await makeImage(directory, 'split.vmdk', SPLIT);
    const extent = join(directory, 'split-f001.vmdk');
    const outside = join(directory, 'outside');
    await mkdir(outside);
    await rename(extent, join(outside, 'secret'));
    await symlink(join(outside, 'secret'), extent);
    await assert.rejects(openFileFeed({ kind: 'file', path: image }, signal), /is a link/);
    await using file = await open(image);
    const part = { offset: 0, length: (await file.stat()).size };
    await assert.rejects(openFileFeed({ kind: 'file', path: image, part }, signal), /unpack/);
  });

  it('says that it is not there', async (t) => {
    const path = join(await openFolder(t), 'none.raw');
    await assert.rejects(openFileFeed({ kind: 'file', path }, signal), { kind: 'not_found' });
  });
});
