import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DroverError } from '#kernel/errors.ts';
import { isRefusal } from '#test/disks/image-refusal.ts';
import { isDescriptor, parseDescriptor, parseExtentName } from './descriptor.ts';

const HEAD = '# Disk DescriptorFile\nversion=1\nCID=1234abcd\nparentCID=ffffffff\n';
const parse = (text: string) => parseDescriptor(Buffer.from(HEAD + text));

describe('parseDescriptor', () => {
  it('reads extents of all kinds that can be read', () => {
    const descriptor = parse(`createType="custom"
      # Extent description
      RW 63 FLAT "disk-f001.vmdk" 0
      rdonly 4192256 SPARSE "disk s002.vmdk"
      RW 8 ZERO
      RW 2048 VMFS "disk-flat.vmdk"
      RW 16 FLAT "disk-f003.vmdk" 128
      ddb.adapterType = "lsilogic"`);
    assert.deepEqual(descriptor.extents, [
      { kind: 'flat', bytes: 63 * 512, name: 'disk-f001.vmdk', offset: 0 },
      { kind: 'sparse', bytes: 4192256 * 512, name: 'disk s002.vmdk', offset: 0 },
      { kind: 'zero', bytes: 8 * 512, name: '', offset: 0 },
      { kind: 'flat', bytes: 2048 * 512, name: 'disk-flat.vmdk', offset: 0 },
      { kind: 'flat', bytes: 16 * 512, name: 'disk-f003.vmdk', offset: 128 * 512 },
    ]);
    assert.equal(descriptor.capacityBytes, (63 + 4192256 + 8 + 2048 + 16) * 512);
  });

  it('does not mind line ends, a byte order mark, and what comes after a zero byte', () => {
    const text = `\ufeff${HEAD}RW 8 ZERO\n`.replaceAll('\n', '\r\n') + '\0RW nonsense';
    assert.ok(isDescriptor(Buffer.from(text)));
    assert.equal(parseDescriptor(Buffer.from(text)).capacityBytes, 4096);
  });

  it('names the snapshot chain that a delta belongs to', () => {
    const delta = HEAD.replace('ffffffff', '0a1b2c3d') + 'RW 8 SPARSE "d-000001.vmdk"\n';
    const parts = [
      { text: `${delta}parentFileNameHint="base.vmdk"`, why: /its parent, "base\.vmdk"/ },
      { text: delta, why: /the disk with content id 0a1b2c3d/ },
      { text: `${HEAD}RW 8 VMFSSPARSE "d.vmdk"`, why: /VMFSSPARSE/ },
      { text: `${HEAD}RW 8 SESPARSE "d.vmdk"`, why: /SESPARSE/ },
      { text: `${HEAD}RW 8 VMFSRDM "d.vmdk"`, why: /raw device mapping/ },
      { text: `${HEAD}RW 8 MYSTERY "d.vmdk"`, why: /kind MYSTERY/ },
      { text: `${HEAD}NOACCESS 8 FLAT "d.vmdk" 0`, why: /NOACCESS/ },
    ];
    for (const { text, why } of parts) {
      assert.throws(
        () => parseDescriptor(Buffer.from(text)),
        isRefusal('failed_precondition', why),
      );
    }
  });

  it('refuses what adds up to no disk', () => {
    const refused = [
      { text: '', why: /names no extent/ },
      { text: 'RW 0 ZERO', why: /extent of 0 sectors/ },
      { text: 'RW many FLAT "d.vmdk" 0', why: /makes no sense/ },
      { text: 'RW 9999999999999999 ZERO', why: /9999999999999999 sectors/ },
      { text: 'RW 137438953472 ZERO\nRW 1 ZERO', why: /more than 64 TiB/ },
      { text: 'RW 8 FLAT "d.vmdk" -1', why: /strange offset/ },
      { text: 'RW 8 ZERO\n'.repeat(4097), why: /more than 4096 extents/ },
      { text: '\n'.repeat(9000), why: /over 8192 lines/ },
      { text: '#'.repeat(2 ** 20), why: /over 1 MiB/ },
    ];
    for (const { text, why } of refused) {
      assert.throws(
        () => parse(text),
        (thrown) => thrown instanceof DroverError && why.test(thrown.message),
      );
    }
  });

  it('takes plain names of files only', () => {
    for (const name of ['disk-flat.vmdk', 'Größe 1 (2).vmdk', '-f.vmdk', '..vmdk']) {
      assert.equal(parseExtentName(name), name);
    }
    const refused = ['', '.', '..', '/etc/shadow', '../x', 'a/b', 'a\\b', 'a\0', 'x'.repeat(256)];
    for (const name of refused) assert.throws(() => parseExtentName(name), /plain file name/);
  });

  it('answers any text with extents that fit, or with a refusal', () => {
    const word = fc.constantFrom(
      ...['RW', 'RDONLY', ' ', '\n', '\r', '=', '"', '8', '-1', 'FLAT', 'SPARSE', 'ZERO', '..'],
      ...['parentCID', 'ffffffff', 'VMFS', '/', '99999999999999', '\0', 'createType', '#'],
    );
    const text = fc.array(fc.oneof(word, fc.string({ maxLength: 5 })), { maxLength: 60 });
    fc.assert(
      fc.property(text, (words) => {
        try {
          const { extents, capacityBytes } = parse(words.join(''));
          const sum = extents.reduce((bytes, extent) => bytes + extent.bytes, 0);
          assert.equal(sum, capacityBytes);
          assert.ok(Number.isSafeInteger(capacityBytes) && capacityBytes > 0);
        } catch (thrown) {
          assert.ok(thrown instanceof DroverError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
