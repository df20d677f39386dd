import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { hostname, machine, release } from 'node:os';
import { describe, it } from 'node:test';
import { HostFixture } from '#test/host-fixture.ts';
import { parseCpuList } from './isolated-cpus.ts';
import { parseOsRelease } from './os-collector.ts';
import { readZoneAbbreviation } from './zone-abbreviation.ts';

describe('the loadavg collector', () => {
  it('tells the averages, in hundredths in the reading', async () => {
    await using host = new HostFixture({
      collectors: ['loadavg'],
      files: { 'proc/loadavg': '0.09 1.28 123.96 3/100 6282' },
    });
    const { load } = await host.tick();
    assert.deepEqual(load, { load1: 9, load5: 128, load15: 12_396 });
    assert.deepEqual(host.values(), { node_load1: 0.09, node_load5: 1.28, node_load15: 123.96 });
  });

  it('fails on anything else', async () => {
    await using host = new HostFixture({
      collectors: ['loadavg'],
      files: { 'proc/loadavg': '0.09 high' },
    });
    await assert.rejects(host.tick(), /does not hold three numbers/);
    assert.deepEqual(host.values(), {});
  });
});

describe('the pressure collector', () => {
  it('tells the seconds, and the share of the last ten', async () => {
    await using host = new HostFixture({
      collectors: ['pressure'],
      files: {
        'proc/pressure/cpu': 'some avg10=1.50 avg60=0.34 avg300=2.68 total=2406037290',
        'proc/pressure/io': [
          'some avg10=0.25 avg60=0.62 avg300=0.57 total=78027304',
          'full avg10=0.12 avg60=0.59 avg300=0.53 total=42975430',
        ].join('\n'),
      },
    });
    await host.tick();
    assert.deepEqual(host.values(), {
      node_pressure_cpu_waiting_seconds_total: 2406.03729,
      drover_pressure_cpu_waiting_percent: 1.5,
      node_pressure_io_waiting_seconds_total: 78.027304,
      drover_pressure_io_waiting_percent: 0.25,
      node_pressure_io_stalled_seconds_total: 42.97543,
      drover_pressure_io_stalled_percent: 0.12,
    });
  });
});

describe('the filefd collector', () => {
  it('holds a limit that is none to what a double can tell exactly', async () => {
    await using host = new HostFixture({
      collectors: ['filefd'],
      files: { 'proc/sys/fs/file-nr': '592\t0\t9223372036854775807' },
    });
    await host.tick();
    assert.equal(host.value('node_filefd_allocated'), 592);
    assert.equal(host.value('node_filefd_maximum'), Number.MAX_SAFE_INTEGER);
  });
});

describe('the schedstat collector', () => {
  it('tells running and waiting to the microsecond, however long the host is up', async () => {
    await using host = new HostFixture({
      collectors: ['schedstat'],
      files: {
        'proc/schedstat': [
          'version 15',
          'timestamp 15819019232',
          'cpu0 498494191 0 3533438552 255396 38536841 24657 99045369889304 343796328 47',
          'domain0 ff 3 0 0',
          'cpu1 1 0 0 0 0 0 2000 3999 5',
        ].join('\n'),
      },
    });
    await host.tick();
    assert.deepEqual(host.values(), {
      'node_schedstat_running_seconds_total{cpu="0"}': 99_045.369889,
      'node_schedstat_running_seconds_total{cpu="1"}': 0.000002,
      'node_schedstat_waiting_seconds_total{cpu="0"}': 0.343796,
      'node_schedstat_waiting_seconds_total{cpu="1"}': 0.000003,
      'node_schedstat_timeslices_total{cpu="0"}': 47,
      'node_schedstat_timeslices_total{cpu="1"}': 5,
    });
  });
});

describe('the uptime and entropy collectors', () => {
  it('tell what the kernel does', async () => {
    await using host = new HostFixture({
      collectors: ['uptime', 'entropy'],
      files: {
        'proc/uptime': '13441.48 25000.10',
        'proc/sys/kernel/random/entropy_avail': '256',
        'proc/sys/kernel/random/poolsize': '4096',
      },
    });
    await host.tick();
    assert.deepEqual(host.values(), {
      drover_uptime_seconds: 13_441.48,
      node_entropy_available_bits: 256,
      node_entropy_pool_size_bits: 4096,
    });
  });
});

describe('the process_count collector', () => {
  it('counts processes alone, between listings by the links of the directory', async () => {
    const files = { 'proc/1/stat': '', 'proc/22/stat': '', 'proc/sys/x': '', 'proc/33': 'a file' };
    await using host = new HostFixture({ collectors: ['process_count'], files });
    assert.equal((await host.tick()).processCount, 2);
    for (const pid of [44, 55, 66]) mkdirSync(`${host.tree.root}/proc/${pid}`);
    assert.equal((await host.tick()).processCount, 5);
    host.tree.remove('proc/44');
    assert.equal((await host.tick(30_000)).processCount, 4);
    assert.deepEqual(host.values(), { drover_processes: 4 });
  });
});

describe('the os collector', () => {
  it('tells the distribution and its version', async () => {
    await using host = new HostFixture({
      collectors: ['os'],
      files: { 'usr/lib/os-release': 'ID=ubuntu\nVERSION_ID="22.04"\nNAME=Ubuntu' },
    });
    await host.tick();
    assert.deepEqual(host.values(), {
      'node_os_info{id="ubuntu",name="Ubuntu",version_id="22.04"}': 1,
      'node_os_version{id="ubuntu",name="Ubuntu"}': 22.04,
    });
    host.tree.write({ 'etc/os-release': 'ID=arch\nNAME="Arch Linux"\nVERSION_ID=rolling' });
    await host.tick(30_000);
    assert.deepEqual(host.values(), {
      'node_os_info{id="arch",name="Arch Linux",version_id="rolling"}': 1,
    });
  });

  it('understands the quotes of a shell', () => {
    const parsed = parseOsRelease(`A="x \\"y\\" \\$z"\nB='it\\s'\n# C=1\nD=plain\nnonsense\n`);
    assert.deepEqual(Object.fromEntries(parsed), { A: 'x "y" $z', B: 'it\\s', D: 'plain' });
  });
});

describe('the uname, dmi and nvme collectors', () => {
  it('tell what the host is', async () => {
    await using host = new HostFixture({
      collectors: ['uname', 'dmi', 'nvme'],
      files: {
        'proc/sys/kernel/osrelease': '6.1.0',
        'proc/sys/kernel/ostype': 'Linux',
        'proc/sys/kernel/hostname': 'node7',
        'proc/sys/kernel/version': '#1 SMP',
        'proc/sys/kernel/domainname': '(none)',
        'sys/class/dmi/id/sys_vendor': 'Acme ',
        'sys/class/dmi/id/product_name': 'Anvil "9"',
        'sys/class/dmi/id/uevent': 'MODALIAS=x',
        'sys/class/nvme/nvme0/model': 'Fast SSD        ',
        'sys/class/nvme/nvme0/state': 'live',
      },
    });
    await host.tick();
    assert.deepEqual(Object.keys(host.values()).toSorted(), [
      'node_dmi_info{product_name="Anvil \\"9\\"",system_vendor="Acme"}',
      'node_nvme_info{device="nvme0",model="Fast SSD",state="live"}',
      `node_uname_info{domainname="(none)",machine="${machine()}",nodename="node7",` +
        'release="6.1.0",sysname="Linux",version="#1 SMP"}',
    ]);
  });

  it('know this host by its own names', async () => {
    await using host = new HostFixture({ collectors: ['uname'], files: {} });
    host.tree.write({ 'proc/sys/kernel/osrelease': release() });
    host.tree.write({ 'proc/sys/kernel/hostname': hostname() });
    await host.tick();
    const [key = ''] = Object.keys(host.values());
    assert.ok(key.includes(`nodename="${hostname()}",release="${release()}"`), key);
  });
});

describe('the selinux collector', () => {
  it('tells that it is off, or how it is meant to be and is', async () => {
    await using host = new HostFixture({ collectors: ['selinux'], files: {} });
    await host.tick();
    assert.deepEqual(host.values(), { node_selinux_enabled: 0 });
    host.tree.write({ 'sys/fs/selinux/enforce': '0', 'etc/selinux/config': 'SELINUX=enforcing' });
    await host.tick(30_000);
    assert.deepEqual(host.values(), {
      node_selinux_enabled: 1,
      node_selinux_config_mode: 1,
      node_selinux_current_mode: 0,
    });
  });
});

describe('the cpufreq collector', () => {
  it('tells clocks in hertz, and leaves out what a processor does not have', async () => {
    const directory = 'sys/devices/system/cpu/cpu3/cpufreq';
    await using host = new HostFixture({
      collectors: ['cpufreq'],
      files: {
        [`${directory}/scaling_cur_freq`]: '1219917',
        [`${directory}/scaling_min_freq`]: '800000',
        [`${directory}/cpuinfo_max_freq`]: '3700000',
        'sys/devices/system/cpu/cpufreq/boost': '1',
      },
    });
    await host.tick();
    assert.deepEqual(host.values(), {
      'node_cpu_scaling_frequency_hertz{cpu="3"}': 1_219_917_000,
      'node_cpu_scaling_frequency_min_hertz{cpu="3"}': 800_000_000,
      'node_cpu_frequency_max_hertz{cpu="3"}': 3_700_000_000,
    });
    host.tree.write({ [`${directory}/scaling_cur_freq`]: '2000000' });
    await host.tick();
    assert.equal(host.value('node_cpu_scaling_frequency_hertz{cpu="3"}'), 2_000_000_000);
  });
});

describe('the clock_sync collector', () => {
  it('knows only what systemd-timesyncd tells', async () => {
    await using host = new HostFixture({ collectors: ['clock_sync'], files: {} });
    await host.tick();
    assert.deepEqual(host.values(), {});
    mkdirSync(`${host.tree.root}/run/systemd/timesync`, { recursive: true });
    await host.tick(5000);
    assert.deepEqual(host.values(), { drover_clock_synchronized: 0 });
    host.tree.write({ 'run/systemd/timesync/synchronized': '' });
    await host.tick(5000);
    assert.deepEqual(host.values(), { drover_clock_synchronized: 1 });
  });
});

describe('the time collector', () => {
  it('tells the clock as it is and not as it was', async () => {
    await using host = new HostFixture({
      collectors: ['time'],
      files: {
        'sys/devices/system/clocksource/clocksource0/available_clocksource': 'tsc kvm-clock ',
        'sys/devices/system/clocksource/clocksource0/current_clocksource': 'tsc',
      },
    });
    await host.tick();
    host.clock.jumpWallClock(-3_600_000);
    await host.tick();
    assert.equal(host.value('node_time_seconds'), host.clock.nowMs() / 1000);
    assert.deepEqual(host.values('node_time_clocksource'), {
      'node_time_clocksource_available_info{clocksource="tsc",device="0"}': 1,
      'node_time_clocksource_available_info{clocksource="kvm-clock",device="0"}': 1,
      'node_time_clocksource_current_info{clocksource="tsc",device="0"}': 1,
    });
    assert.equal(Object.keys(host.values('node_time_zone_offset_seconds')).length, 1);
  });
});

describe('readZoneAbbreviation', () => {
  it('finds the name that is in force in a compiled zone', async () => {
    await using host = new HostFixture({ collectors: [], files: { 'etc/x': '' } });
    const fileRoot = host.tree.root;
    const name = (offsetSeconds: number, nowMs: number) =>
      readZoneAbbreviation({ fileRoot, nowMs, offsetSeconds });
    assert.equal(name(0, 0), 'UTC');
    assert.equal(name(19_800, 0), '+0530');
    assert.equal(name(-12_600, 0), '-0330');
    writeFileSync(`${fileRoot}/etc/localtime`, compileZone());
    assert.equal(name(3600, 500_000), 'CET');
    assert.equal(name(7200, 2_000_000), 'CEST');
    assert.equal(name(3600, 2_000_000), 'CET');
    // After the last change that is listed the names stay as they were.
    assert.equal(name(3600, 9e12), 'MEZ');
    assert.equal(name(7200, 9e12), 'CEST');
    for (const length of [3, 44, 60, 100]) {
      writeFileSync(`${fileRoot}/etc/localtime`, compileZone().subarray(0, length));
      assert.equal(name(3600, 0), '+01');
    }
  });
});

/** Version 2, the block of 32 bits empty: CET, from 1000 s on CEST, from 9e6 s on MEZ. */
function compileZone(): Buffer {
  const header = (times: number, types: number, letters: number) => {
    const bytes = Buffer.alloc(44);
    bytes.write('TZif2');
    bytes.writeUInt32BE(times, 32);
    bytes.writeUInt32BE(types, 36);
    bytes.writeUInt32BE(letters, 40);
    return bytes;
  };
  const times = Buffer.alloc(16);
  times.writeBigInt64BE(1000n, 0);
  times.writeBigInt64BE(9_000_000n, 8);
  const type = (offset: number, isDst: number, letter: number) => {
    const bytes = Buffer.alloc(6);
    bytes.writeInt32BE(offset, 0);
    bytes.set([isDst, letter], 4);
    return bytes;
  };
  return Buffer.concat([
    ...[header(0, 0, 0), header(2, 3, 13), times, Buffer.from([1, 2])],
    ...[type(3600, 0, 0), type(7200, 1, 4), type(3600, 0, 9)],
    Buffer.from('CET\0CEST\0MEZ\0\nCET-1CEST\n', 'latin1'),
  ]);
}

describe('parseCpuList', () => {
  it('reads numbers and ranges, and leaves out what is neither', () => {
    assert.deepEqual(parseCpuList('0-2,5'), [0, 1, 2, 5]);
    assert.deepEqual(parseCpuList(''), []);
    assert.deepEqual(parseCpuList('1,x,-3,7-'), [1]);
  });
});
