import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDatastorePath } from './datastore-files.ts';
import { flatExtentOf, parseVmdkDescriptor, plainName } from './vmdk-descriptor.ts';

function descriptorOf(extents: string, parent = 'parentCID=ffffffff'): string {
  return `# Disk DescriptorFile\nversion=1\nCID=1\n${parent}\ncreateType="vmfs"\n\n${extents}\n`;
}

describe('the descriptor of a disk', () => {
  it('names the flat file that is the disk', () => {
    const descriptor = parseVmdkDescriptor(descriptorOf('RW 4096 VMFS "web-flat.vmdk"'), 'it');
    assert.equal(descriptor.hasParent, false);
    assert.deepEqual(flatExtentOf(descriptor, 'it'), { sectors: 4096, name: 'web-flat.vmdk' });
  });

  it('names the parent of a snapshot', () => {
    const parent = 'parentCID=3b1f20c9\nparentFileNameHint="web.vmdk"';
    const text = descriptorOf('RW 4096 VMFSSPARSE "web-000001-delta.vmdk"', parent);
    const descriptor = parseVmdkDescriptor(text, 'it');
    assert.deepEqual([descriptor.hasParent, descriptor.parentName], [true, 'web.vmdk']);
    assert.throws(() => flatExtentOf(descriptor, 'it'), /VMFSSPARSE, which is not flat/);
  });

  const refused: readonly (readonly [extents: string, says: RegExp])[] = [
    ['', /spread over 0 files/],
    ['RW 1 VMFS "a-flat.vmdk"\nRW 1 VMFS "b-flat.vmdk"', /spread over 2 files/],
    ['RW 1 SESPARSE "a-sesparse.vmdk"', /SESPARSE/],
    ['RW 1 VMFS "../other/a-flat.vmdk"', /another directory/],
    ['RW 1 VMFS "/vmfs/volumes/1/a-flat.vmdk"', /another directory/],
    ['RW 1 VMFS ".."', /another directory/],
    ['RW 1 VMFS', /another directory/],
  ];
  for (const [extents, says] of refused) {
    it(`is refused with the extents ${JSON.stringify(extents)}`, () => {
      const descriptor = parseVmdkDescriptor(descriptorOf(extents), 'it');
      assert.throws(() => flatExtentOf(descriptor, 'it'), says);
    });
  }

  it('must be one', () => {
    assert.throws(
      () => parseVmdkDescriptor('KDMV\u0001', 'Hard disk 1'),
      /Hard disk 1 has no desc/,
    );
    assert.throws(() => plainName('a/b', 'it'), /another directory/);
  });
});

describe('a path on a datastore', () => {
  it('has a datastore, a directory and a name', () => {
    assert.deepEqual(parseDatastorePath('[my ds] a b/c/web.vmdk'), {
      datastore: 'my ds',
      directory: 'a b/c/',
      name: 'web.vmdk',
    });
    assert.equal(parseDatastorePath('[ds] web.vmdk').directory, '');
  });

  for (const path of ['', 'web.vmdk', '[ds]', '[ds] ../web.vmdk', '[ds] a/../../web.vmdk']) {
    it(`is not ${JSON.stringify(path)}`, () => {
      assert.throws(() => parseDatastorePath(path), /is on no datastore/);
    });
  }
});
