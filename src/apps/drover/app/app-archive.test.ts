import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { describe, it } from 'node:test';
import { createGunzip } from 'node:zlib';

import { extract } from 'tar-stream';

import { packAppFolder } from './app-archive.ts';
import { readAppFolder } from './app-folder.ts';
import { folderToAppName } from './app-template.ts';
import { uploadToText } from './upload-progress.ts';

const LIVE = new AbortController().signal;

async function makeFolder(files: Readonly<Record<string, string>>) {
  const path = await mkdtemp(join(tmpdir(), 'drover-pack-'));
  for (const [name, text] of Object.entries({ 'manifest.yaml': 'name: x\n', ...files })) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

async function unpack(archive: Readable): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const entries = extract();
  const reading = (async () => {
    for await (const entry of entries) {
      files.set(entry.header.name, (await buffer(entry)).toString());
    }
  })();
  await Promise.all([pipeline(archive, createGunzip(), entries), reading]);
  return files;
}

async function packedNames(path: string): Promise<string[]> {
  return (await readAppFolder(path, LIVE)).files.map(({ name }) => name);
}

describe('packAppFolder', () => {
  it('packs every file, and tells how much of them it has', async () => {
    await using folder = await makeFolder({
      ...{ 'main.ts': 'export default {};', 'a/b/deep.txt': 'deep', empty: '', '.env': 'x' },
      'large.bin': 'x'.repeat(300_000),
    });
    const found = await readAppFolder(folder.path, LIVE);
    let packed = 0;
    const files = await unpack(packAppFolder(found, (byteCount) => (packed += byteCount)));
    assert.deepEqual(
      [...files.keys()],
      ['.env', 'a/b/deep.txt', 'empty', 'large.bin', 'main.ts', 'manifest.yaml'],
    );
    assert.equal(files.get('a/b/deep.txt'), 'deep');
    assert.equal(files.get('large.bin')?.length, 300_000);
    assert.equal(packed, found.sizeBytes);
  });

  it('fails when a file changed since the folder was looked through', async () => {
    await using folder = await makeFolder({ 'main.ts': 'x' });
    const found = await readAppFolder(folder.path, LIVE);
    await appendFile(join(folder.path, 'main.ts'), 'more');
    await assert.rejects(unpack(packAppFolder(found, () => undefined)), {
      kind: 'invalid_argument',
      message: 'main.ts: changed while it was being packed; deploy again',
    });
  });

  it('does not follow a link that took the place of a file', async () => {
    await using folder = await makeFolder({ 'main.ts': 'x' });
    const found = await readAppFolder(folder.path, LIVE);
    await rm(join(folder.path, 'main.ts'));
    await symlink('/etc/hostname', join(folder.path, 'main.ts'));
    await assert.rejects(unpack(packAppFolder(found, () => undefined)), {
      message: 'main.ts: cannot be read (ELOOP)',
    });
  });
});

describe('readAppFolder', () => {
  it('leaves out .git, the links of node_modules/.bin and what .droverignore names', async () => {
    await using folder = await makeFolder({
      '.droverignore': '# not these\n*.log\nbuild/\n/docs\ntest/*.ts\n\n',
      ...{ '.git/config': '', 'node_modules/a/index.js': '', 'a.log': '', 'sub/b.log': '' },
      ...{ 'build/out.js': '', 'sub/build/out.js': '', 'docs/x.md': '', 'sub/docs/y.md': '' },
      ...{ 'test/x.ts': '', 'test/x.json': '' },
    });
    await mkdir(join(folder.path, 'node_modules/.bin'));
    await symlink('../a/index.js', join(folder.path, 'node_modules/.bin/a'));
    assert.deepEqual(await packedNames(folder.path), [
      ...['manifest.yaml', 'node_modules/a/index.js', 'sub/docs/y.md', 'test/x.json'],
    ]);
  });

  it('refuses links and what is no file, by name', async () => {
    await using folder = await makeFolder({ 'lib/x.js': '' });
    await symlink('x.js', join(folder.path, 'lib/link.js'));
    await assert.rejects(readAppFolder(folder.path, LIVE), {
      kind: 'invalid_argument',
      message: /^lib\/link\.js: is a symbolic link, .*\.droverignore$/,
    });
    await writeFile(join(folder.path, '.droverignore'), 'link.js\n');
    assert.deepEqual(await packedNames(folder.path), ['lib/x.js', 'manifest.yaml']);
    await writeFile(join(folder.path, '.droverignore'), '!lib\n');
    await assert.rejects(readAppFolder(folder.path, LIVE), { message: /cannot take back: !lib/ });
  });

  it('wants a manifest before it looks further', async () => {
    await using folder = await makeFolder({});
    await rm(join(folder.path, 'manifest.yaml'));
    await assert.rejects(readAppFolder(folder.path, LIVE), {
      kind: 'not_found',
      message: /holds none of manifest\.yaml, .*drover app new/,
    });
  });
});

describe('uploadToText', () => {
  it('tells bytes, pace and time left, then that the server is at work', () => {
    const MIB = 1024 * 1024;
    const text = (sentBytes: number, elapsedMs: number) =>
      uploadToText({ sentBytes, totalBytes: 40 * MIB, elapsedMs });
    assert.equal(text(0, 1000), '0 B of 40 MiB, 0 B/s');
    assert.equal(text(12 * MIB, 4000), '12 MiB of 40 MiB, 3 MiB/s, 10s left');
    assert.equal(text(40 * MIB, 9000), '40 MiB sent, waiting for the server');
  });
});

describe('folderToAppName', () => {
  it('makes a name of what the folder is called, where anything is left', () => {
    const names = ['hello', 'My Shop_2', '--x--', 'größe', '...', 'a'.repeat(80)];
    assert.deepEqual(names.map(folderToAppName), [
      ...['hello', 'my-shop-2', 'x', 'gr-e', undefined, 'a'.repeat(63)],
    ]);
  });
});
