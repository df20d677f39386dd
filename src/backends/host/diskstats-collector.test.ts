import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HostFixture } from '#test/host-fixture.ts';

const VDA =
  ' 254       0 vda 615 59 2063 4816 1573 373 11321 14738 2 14055 1996 245 135 7160 293 248 118';

function openDisks(files: Record<string, string>): HostFixture {
  return new HostFixture({ collectors: ['diskstats'], files });
}

describe('the diskstats collector', () => {
  it('tells everything the kernel counts, in bytes and seconds', async () => {
    await using host = openDisks({ 'proc/diskstats': VDA });
    await host.tick();
    const disk = (name: string) => host.value(`node_disk_${name}{device="vda"}`);
    assert.equal(disk('reads_completed_total'), 615);
    assert.equal(disk('reads_merged_total'), 59);
    assert.equal(disk('read_bytes_total'), 2063 * 512);
    assert.equal(disk('read_time_seconds_total'), 4.816);
    assert.equal(disk('writes_completed_total'), 1573);
    assert.equal(disk('writes_merged_total'), 373);
    assert.equal(disk('written_bytes_total'), 11_321 * 512);
    assert.equal(disk('write_time_seconds_total'), 14.738);
    assert.equal(disk('io_now'), 2);
    assert.equal(disk('io_time_seconds_total'), 14.055);
    assert.equal(disk('io_time_weighted_seconds_total'), 1.996);
    assert.equal(disk('discards_completed_total'), 245);
    assert.equal(disk('discards_merged_total'), 135);
    assert.equal(disk('discarded_sectors_total'), 7160);
    assert.equal(disk('discard_time_seconds_total'), 0.293);
    assert.equal(disk('flush_requests_total'), 248);
    assert.equal(disk('flush_requests_time_seconds_total'), 0.118);
  });

  it('shows every device in the reading, and no parts of devices in the metrics', async () => {
    const names = ['loop0', 'ram1', 'sda', 'sda1', 'vdb3', 'nvme0n1', 'nvme0n1p2', 'dm-0', 'md127'];
    const lines = names.map((name, minor) => `   7       ${minor} ${name} 1 2 3 4 5 6 7 8 0 10 11`);
    await using host = openDisks({ 'proc/diskstats': lines.join('\n') });
    const { disks } = await host.tick();
    assert.deepEqual(
      disks?.map(({ deviceName }) => deviceName),
      names,
    );
    assert.deepEqual(disks?.[2], {
      deviceName: 'sda',
      readsCompleted: 1,
      readsMerged: 2,
      sectorsRead: 3,
      timeReadingMs: 4,
      writesCompleted: 5,
      writesMerged: 6,
      sectorsWritten: 7,
      timeWritingMs: 8,
      ioInProgress: 0,
      timeDoingIoMs: 10,
      weightedTimeDoingIoMs: 11,
    });
    assert.deepEqual(Object.keys(host.values('node_disk_io_now')), [
      'node_disk_io_now{device="sda"}',
      'node_disk_io_now{device="nvme0n1"}',
      'node_disk_io_now{device="dm-0"}',
      'node_disk_io_now{device="md127"}',
    ]);
    assert.deepEqual(host.values('node_disk_flush'), {});
  });

  it('tells how busy a device was, and never more than all the time', async () => {
    const withIoTime = (ms: number) => ({ 'proc/diskstats': `8 0 sda 1 2 3 4 5 6 7 8 0 ${ms} 11` });
    await using host = openDisks(withIoTime(1000));
    await host.tick();
    assert.deepEqual(host.values('drover_disk_busy'), {});
    host.tree.write(withIoTime(1250));
    await host.tick();
    assert.equal(host.value('drover_disk_busy_percent{device="sda"}'), 25);
    host.tree.write(withIoTime(9000));
    await host.tick();
    assert.equal(host.value('drover_disk_busy_percent{device="sda"}'), 100);
  });

  it('tells no share of a counter that went back, nor of another device of the name', async () => {
    const withIoTime = (ms: number) => ({ 'proc/diskstats': `8 0 sda 1 2 3 4 5 6 7 8 0 ${ms} 11` });
    await using host = openDisks(withIoTime(5000));
    await host.tick();
    host.tree.write(withIoTime(10));
    await host.tick();
    assert.deepEqual(host.values('drover_disk_busy'), {});
    host.tree.write({ 'proc/diskstats': '' });
    const { disks } = await host.tick();
    assert.deepEqual(disks, []);
    assert.deepEqual(host.values(), {});
    host.tree.write(withIoTime(700));
    await host.tick();
    assert.deepEqual(host.values('drover_disk_busy'), {});
    assert.equal(host.value('node_disk_io_time_seconds_total{device="sda"}'), 0.7);
  });

  it('tells no share when the clock did not move on', async () => {
    await using host = openDisks({ 'proc/diskstats': VDA });
    await host.tick();
    await host.tick(0);
    assert.deepEqual(host.values('drover_disk_busy'), {});
  });

  it('leaves out lines and fields that are malformed', async () => {
    await using host = openDisks({
      'proc/diskstats': `8 sda 1 2\n\nx y\n8 1\n8 0 sdb 7 z 9\n${VDA}`,
    });
    const { disks } = await host.tick();
    assert.deepEqual(
      disks?.map(({ deviceName, readsCompleted, readsMerged, sectorsRead, timeReadingMs }) => [
        ...[deviceName, readsCompleted, readsMerged, sectorsRead, timeReadingMs],
      ]),
      [
        ['sdb', 7, undefined, 9, undefined],
        ['vda', 615, 59, 2063, 4816],
      ],
    );
  });

  it('tells what udev wrote down, and again when that changed', async () => {
    await using host = openDisks({ 'proc/diskstats': '8 0 sda 1 2 3 4 5 6 7 8 0 10 11' });
    await host.tick();
    assert.deepEqual(host.values('node_disk_info'), {
      'node_disk_info{device="sda",major="8",minor="0"}': 1,
    });
    host.tree.write({
      'run/udev/data/b8:0': [
        ...['S:disk/by-id/ata-x', 'E:ID_MODEL=Fast_SSD', 'E:ID_SERIAL_SHORT=S3', 'E:ID_ATA=1'],
        ...['E:ID_ATA_WRITE_CACHE=1', 'E:ID_ATA_ROTATION_RATE_RPM=0', 'E:ID_FS_TYPE=xfs'],
        ...['E:ID_FS_USAGE=filesystem', 'E:DM_NAME=vg-root', 'E:DM_LV_NAME=root'],
      ].join('\n'),
    });
    await host.tick(30_000);
    assert.deepEqual(host.values('node_disk_info'), {
      'node_disk_info{device="sda",major="8",minor="0",model="Fast_SSD",serial="S3"}': 1,
    });
    assert.deepEqual(host.values('node_disk_ata'), {
      'node_disk_ata_write_cache{device="sda"}': 1,
      'node_disk_ata_rotation_rate_rpm{device="sda"}': 0,
    });
    assert.deepEqual(host.values('node_disk_filesystem'), {
      'node_disk_filesystem_info{device="sda",type="xfs",usage="filesystem"}': 1,
    });
    assert.deepEqual(host.values('node_disk_device_mapper'), {
      'node_disk_device_mapper_info{device="sda",lv_name="root",name="vg-root"}': 1,
    });
  });
});
