import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { MIB } from '#kernel/units.ts';
import { until } from '#test/until.ts';
import { openUploadMeter } from './upload-meter.ts';

/** The shell keeps open what its child reads a part of, until it is told to end. */
const READ_SOME = 'exec 3<"$0"; head -c 5242880 <&3; printf 12345; read -r _';

describe('openUploadMeter', () => {
  it('sees where a process is in its file, and what it has written', async () => {
    const directory = await realpath(await mkdtemp(join(tmpdir(), 'drover-meter-')));
    const file = join(directory, 'disk image');
    await writeFile(file, Buffer.alloc(8 * MIB));
    const child = spawn('sh', ['-c', READ_SOME, file], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    try {
      const meter = openUploadMeter(child.pid ?? 0, file);
      const look = async () => ((await meter.position()) === 5 * MIB ? true : undefined);
      await until(look, 'five MiB');
      const more = async () => (((await meter.writtenBytes()) ?? 0) >= 5 ? true : undefined);
      await until(more, 'five bytes');
      assert.equal(await openUploadMeter(child.pid ?? 0, `${file}2`).position(), undefined);
    } finally {
      child.stdin.end();
      await once(child, 'close');
      await rm(directory, { recursive: true });
    }
  });

  it('says that it does not know of a process that is not there', async () => {
    const meter = openUploadMeter(2 ** 30, '/nowhere');
    assert.equal(await meter.position(), undefined);
    assert.equal(await meter.writtenBytes(), undefined);
  });
});
