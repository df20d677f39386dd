import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { DroverError } from '#kernel/errors.ts';
import { MemorySource } from '#test/disks/memory-source.ts';
import { listTarMembers } from './tar-members.ts';

const { signal } = new AbortController();
const LONG = `${'long'.repeat(40)}.vmdk`;

function openFolder(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'drover-tar-'));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'web.ovf'), 'description');
  writeFileSync(join(directory, LONG), 'x'.repeat(1500));
  const pack = (format: string, ...args: string[]) =>
    execFileSync('tar', ['-C', directory, `--format=${format}`, '-cf', '-', ...args]);
  return { directory, pack };
}

function list(bytes: Uint8Array) {
  return listTarMembers(new MemorySource(bytes), signal);
}

/** The header once more, with a change and the sum that belongs to it. */
function changeHeader(archive: Buffer, at: number, change: (header: Buffer) => void): void {
  const header = archive.subarray(at, at + 512);
  change(header);
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}

describe('the members of a tar archive', () => {
  it('are found in each format that tar writes', async (t) => {
    const { pack } = openFolder(t);
    for (const format of ['gnu', 'pax', 'ustar', 'v7']) {
      const names = ['web.ovf', ...(['gnu', 'pax'].includes(format) ? [LONG] : [])];
      const archive = pack(format, '--no-recursion', '.', ...names);
      const members = await list(archive);
      assert.deepEqual(
        members.map(({ name }) => name),
        names,
        format,
      );
      const [first] = members;
      const end = (first?.offset ?? 0) + (first?.length ?? 0);
      assert.equal(archive.toString('utf8', first?.offset, end), 'description');
    }
  });

  it('may be of 8 GiB and more', async () => {
    const header = Buffer.alloc(512);
    changeHeader(header, 0, () => {
      header.write('disk.vmdk', 0);
      header.write('0', 156);
      header.writeUInt32BE(0x8000_0000, 124);
      header.writeBigUInt64BE(9n * 2n ** 30n, 128);
    });
    const length = 9 * 2 ** 30;
    const inMemory = new MemorySource(header);
    const members = await listTarMembers(
      {
        sizeBytes: 512 + length,
        read: (offset, bytes) => inMemory.read(offset, bytes),
        nextData: () => Promise.reject(new Error('nobody asks')),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      },
      signal,
    );
    assert.deepEqual(members, [{ name: 'disk.vmdk', offset: 512, length }]);
  });

  it('are files alone, each with a name of its own', async (t) => {
    const { directory, pack } = openFolder(t);
    symlinkSync('/etc/passwd', join(directory, 'link.vmdk'));
    await assert.rejects(list(pack('gnu', 'link.vmdk')), { kind: 'failed_precondition' });
    await assert.rejects(list(pack('gnu', 'web.ovf', 'web.ovf', '--hard-dereference')), /twice/);
    truncateSync(join(directory, 'web.ovf'), 2 ** 20);
    await assert.rejects(list(pack('gnu', '--sparse', 'web.ovf')), {
      reason: 'PACKAGE_UNREADABLE',
    });
  });

  it('are refused where the archive is none, is packed, cut off or changed', async (t) => {
    const { directory, pack } = openFolder(t);
    const archive = pack('ustar', 'web.ovf');
    await assert.rejects(list(gzipSync(archive)), /gunzip/);
    await assert.rejects(list(readFileSync(join(directory, LONG))), /no tar archive/);
    await assert.rejects(list(archive.subarray(0, 515)), { kind: 'data_loss' });
    archive.writeUInt8(0x41, 2);
    await assert.rejects(list(archive), /no tar archive/);
  });

  it('are members or a refusal, whatever the bytes', async (t) => {
    const { pack } = openFolder(t);
    const archive = pack('pax', 'web.ovf', LONG);
    const place = fc.record({ at: fc.nat(archive.length - 1), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(place, { minLength: 1, maxLength: 8 }), async (places) => {
        const spoilt = Buffer.from(archive);
        for (const { at, byte } of places) spoilt.writeUInt8(byte, at);
        changeHeader(spoilt, Math.floor((places[0]?.at ?? 0) / 512) * 512, () => undefined);
        try {
          for (const { offset, length } of await list(spoilt)) {
            assert.ok(offset + length <= spoilt.length);
          }
        } catch (thrown) {
          assert.ok(thrown instanceof DroverError, String(thrown));
        }
      }),
      { numRuns: 200 },
    );
  });
});
