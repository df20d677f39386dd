import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isErrorKind } from '#kernel/errors.ts';
import { GIB, MIB } from '#kernel/units.ts';
import { someBytes, writeDisk } from '#test/disks/generated-disk.ts';
import { openFileRangeSource } from './file-range-source.ts';

const signal = new AbortController().signal;
let directory = '';
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'drover-file-'));
});
after(() => rmSync(directory, { recursive: true, force: true }));

describe('openFileRangeSource', () => {
  it('knows where the data of a sparse file is', async () => {
    const path = join(directory, 'sparse');
    const writes = [GIB, 700 * GIB].map((offset) => ({ offset, data: someBytes(1, MIB) }));
    writeDisk(path, { bytes: 1024 * GIB + 100, writes });
    await using source = await openFileRangeSource(path);
    assert.deepEqual(await source.nextData(0, signal), { offset: GIB, length: MIB });
    assert.deepEqual(await source.nextData(GIB, signal), { offset: GIB, length: MIB });
    const inside = GIB + 4096;
    assert.deepEqual(await source.nextData(inside, signal), {
      ...{ offset: inside, length: MIB - 4096 },
    });
    const second = { offset: 700 * GIB, length: MIB };
    assert.deepEqual(await source.nextData(GIB + MIB, signal), second);
    assert.equal(await source.nextData(700 * GIB + MIB, signal), undefined);
    assert.equal(await source.nextData(2048 * GIB, signal), undefined);
  });

  it('takes all of a file without holes for data', async () => {
    const path = join(directory, 'full');
    writeFileSync(path, Buffer.alloc(10_000));
    await using source = await openFileRangeSource(path);
    assert.deepEqual(await source.nextData(0, signal), { offset: 0, length: 10_000 });
    assert.deepEqual(await source.nextData(9_999, signal), { offset: 9_999, length: 1 });
    assert.equal(await source.nextData(10_000, signal), undefined);
  });

  it('reads exactly what was asked for, or says that it is not there', async () => {
    const path = join(directory, 'shrinking');
    const bytes = someBytes(3, 10_000);
    writeFileSync(path, bytes);
    await using source = await openFileRangeSource(path);
    assert.deepEqual(await source.read(5000, 5000, signal), bytes.subarray(5000));
    await assert.rejects(source.read(5000, 5001, signal), (e) => isErrorKind(e, 'data_loss'));
    truncateSync(path, 6000);
    await assert.rejects(source.read(5000, 5000, signal), /ends after 6000 bytes/);
    await assert.rejects(source.read(0, 1, AbortSignal.abort(new Error('no more'))), /no more/);
  });

  it('refuses what is no file, and does not wait for a pipe', async () => {
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const path of [pipe, directory, '/dev/null']) {
      const opening = openFileRangeSource(path);
      await assert.rejects(opening, (thrown) => isErrorKind(thrown, 'invalid_argument'), path);
    }
    const missing = openFileRangeSource(join(directory, 'missing'));
    await assert.rejects(missing, (thrown) => isErrorKind(thrown, 'not_found'));
  });
});
