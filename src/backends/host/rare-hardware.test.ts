import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HostFixture } from '#test/host-fixture.ts';
import { parseMdstat } from './mdadm-collector.ts';

describe('the mdadm collector', () => {
  it('follows an array whose disk fails and is replaced', async () => {
    const mdstat = (...lines: string[]) => ({
      'proc/mdstat': ['Personalities : [raid1]', ...lines, 'unused devices: <none>'].join('\n'),
    });
    await using host = new HostFixture({
      collectors: ['mdadm'],
      files: mdstat('md0 : active raid1 sdb1[1] sda1[0]', '      100 blocks [2/2] [UU]', ''),
    });
    await host.tick();
    const disks = (state: string) => host.value(`node_md_disks{device="md0",state="${state}"}`);
    assert.deepEqual([disks('active'), disks('failed'), disks('spare')], [2, 0, 0]);
    host.tree.write(
      mdstat(
        'md0 : active raid1 sdc1[2] sdb1[1](F) sda1[0]',
        '      100 blocks [2/1] [U_]',
        '      [>...]  recovery =  8.0% (8/100) finish=17.0min speed=259783K/sec',
      ),
    );
    await host.tick();
    assert.deepEqual([disks('active'), disks('failed'), disks('spare')], [1, 1, 0]);
    assert.equal(host.value('node_md_disks_required{device="md0"}'), 2);
    assert.equal(host.value('node_md_blocks_synced{device="md0"}'), 8);
    assert.equal(host.value('node_md_state{device="md0",state="recovering"}'), 1);
    assert.equal(host.value('node_md_state{device="md0",state="active"}'), 0);
    host.tree.write(mdstat());
    await host.tick();
    assert.deepEqual(host.values(), {});
  });

  it('leaves out what is malformed', () => {
    const text =
      'md0 : active raid1\n  many blocks\nmd1 : asleep\n  1 blocks\nmd2\n\n md3 : active\n';
    assert.deepEqual(parseMdstat(text), []);
    assert.deepEqual(parseMdstat(''), []);
  });
});

describe('the edac collector', () => {
  it('tells the errors of every controller and row of memory', async () => {
    const files = (ce: string) => ({
      'sys/devices/system/edac/mc/mc1/ce_count': ce,
      'sys/devices/system/edac/mc/mc1/ue_count': 'broken',
      'sys/devices/system/edac/mc/mc1/csrow3/ce_count': ce,
    });
    await using host = new HostFixture({ collectors: ['edac'], files: files('4') });
    await host.tick();
    host.tree.write(files('5'));
    await host.tick(30_000);
    assert.deepEqual(host.values(), {
      'node_edac_correctable_errors_total{controller="1"}': 5,
      'node_edac_csrow_correctable_errors_total{controller="1",csrow="3"}': 5,
    });
  });
});

describe('the bonding collector', () => {
  it('counts the interfaces of a bond and those that have a link', async () => {
    const net = 'sys/class/net';
    await using host = new HostFixture({
      collectors: ['bonding'],
      files: {
        [`${net}/bonding_masters`]: 'bond0 bond1',
        [`${net}/bond0/bonding/slaves`]: 'eth1 eth2',
        [`${net}/bond0/lower_eth1/bonding_slave/mii_status`]: 'up',
        [`${net}/bond0/slave_eth2/bonding_slave/mii_status`]: 'up',
      },
    });
    await host.tick();
    assert.deepEqual(host.values(), {
      'node_bonding_slaves{master="bond0"}': 2,
      'node_bonding_active{master="bond0"}': 2,
    });
    host.tree.write({ [`${net}/bond0/lower_eth1/bonding_slave/mii_status`]: 'down' });
    await host.tick();
    assert.equal(host.value('node_bonding_active{master="bond0"}'), 1);
    host.tree.write({ [`${net}/bonding_masters`]: '' });
    await host.tick();
    assert.deepEqual(host.values(), {});
  });
});
