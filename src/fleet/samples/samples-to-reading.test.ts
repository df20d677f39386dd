import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseExposition } from './parse-exposition.ts';
import { SampleSet } from './sample-set.ts';
import { isWantedSample, samplesToReading } from './samples-to-reading.ts';

function setOf(lines: readonly string[], before?: SampleSet): SampleSet {
  const text = `${lines.join('\n')}\n`;
  const atMonotonicMs = before === undefined ? 0 : before.atMonotonicMs + 1000;
  const earlier = before?.earlier;
  return new SampleSet(parseExposition(text, isWantedSample), { atMonotonicMs, before: earlier });
}

describe('samplesToReading', () => {
  it('takes for storage what keeps files, each once', () => {
    const size = (device: string, fstype: string, mountpoint: string) => {
      const labels = `device="${device}",fstype="${fstype}",mountpoint="${mountpoint}"`;
      return `node_filesystem_size_bytes{${labels}} 9`;
    };
    const { filesystems } = samplesToReading(
      setOf([
        size('/dev/sda1', 'ext4', '/'),
        size('/dev/sda1', 'ext4', '/var/lib/docker'),
        size('pool', 'fuse.mergerfs', '/mnt/pool'),
        size('nas:/x', 'nfs4', '/mnt/nas'),
        size('lxcfs', 'fuse.lxcfs', '/var/lib/lxcfs'),
        size('tmpfs', 'tmpfs', '/run'),
        size('overlay', 'overlay', '/merged'),
      ]),
    );
    assert.deepEqual(
      filesystems?.map(({ mountPoint }) => mountPoint),
      ['/', '/mnt/pool', '/mnt/nas'],
    );
  });

  it('counts no disk twice, and makes no rate of a counter that began anew', () => {
    const read = (device: string, bytes: number) =>
      `node_disk_read_bytes_total{device="${device}"} ${bytes}`;
    const names = ['sda', 'sda1', 'nvme0n1', 'nvme0n1p2', 'mmcblk0', 'mmcblk0p1', 'dm-0', 'sdb'];
    const before = setOf(names.map((name) => read(name, 1000)));
    // What nobody asked for a rate of is not kept for the next look.
    assert.equal(samplesToReading(before).disks, undefined);
    const now = setOf(
      names.map((name) => read(name, name === 'sdb' ? 5 : 3000)),
      before,
    );
    assert.deepEqual(
      samplesToReading(now).disks?.map(({ device, readBytes }) => [device, readBytes]),
      [
        ['sda', 2000],
        ['nvme0n1', 2000],
        ['mmcblk0', 2000],
      ],
    );
  });
});
