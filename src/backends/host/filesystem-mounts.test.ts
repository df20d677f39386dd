import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { DEFAULT_MOUNT_FILTER, parseMounts } from './filesystem-mounts.ts';

const parse = (...lines: string[]) => parseMounts(lines.join('\n') + '\n', DEFAULT_MOUNT_FILTER);

describe('parseMounts', () => {
  it('keeps what holds data, and leaves out what the kernel makes up', () => {
    const found = parse(
      'proc /proc proc rw 0 0',
      '/dev/vda1 / ext4 rw,relatime,discard 0 0',
      'tmpfs /run tmpfs rw,nosuid 0 0',
      'tmpfs /dev/shm tmpfs rw 0 0',
      'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0',
      'overlay /var/lib/docker/overlay2/abc/merged overlay rw 0 0',
      '/dev/vdb /var/lib/docker/volumes ext4 rw 0 0',
      '/dev/vdc /srv xfs ro,noatime 0 0',
    );
    assert.deepEqual(
      found.map(({ mountPoint, isReadOnly }) => [mountPoint, isReadOnly]),
      [
        ['/', false],
        ['/run', false],
        ['/srv', true],
      ],
    );
  });

  it('reads blanks, tabs and backslashes in paths', () => {
    const [mount] = parse(String.raw`/dev/sdb1 /media/My\040USB\011\134disk vfat rw 0 0`);
    assert.equal(mount?.mountPoint, '/media/My USB\t\\disk');
  });

  it('takes a mount that is listed twice as one', () => {
    assert.equal(parse('/dev/a /x ext4 rw 0 0', '/dev/a /x ext4 ro 0 0').length, 1);
    assert.equal(parse('/dev/a /x ext4 rw 0 0', '/dev/b /x ext4 rw 0 0').length, 2);
  });

  it('tells those that only this kernel answers for from others and what lies within them', () => {
    const found = parse(
      '/dev/a / ext4 rw 0 0',
      'server:/data /data nfs4 rw 0 0',
      '/dev/b /data/cache xfs rw 0 0',
      '/dev/c /database xfs rw 0 0',
      'me@host: /remote fuse.sshfs rw 0 0',
      'strange /strange brandnewfs rw 0 0',
    );
    assert.deepEqual(
      found.filter(({ isLocal }) => isLocal).map(({ mountPoint }) => mountPoint),
      ['/', '/database'],
    );
  });

  it('passes over lines that are cut off', () => {
    assert.deepEqual(parse('/dev/a /x', '', '/dev/a'), []);
  });
});
