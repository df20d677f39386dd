import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HostFixture } from '#test/host-fixture.ts';

const TAIL = [
  'intr 16097706 0 0 14 0 0',
  'ctxt 45140779',
  'btime 1795221996',
  'processes 136118',
  'procs_running 3',
  'procs_blocked 1',
  'softirq 13953132 0 653372',
];

function statOf(...cpuLines: string[]): Record<string, string> {
  return { 'proc/stat': [...cpuLines, ...TAIL].join('\n') };
}

function openCpuHost(files: Record<string, string>, perCore = false): HostFixture {
  return new HostFixture({ collectors: ['cpu', 'stat'], files, perCore });
}

describe('the cpu collector', () => {
  it('tells the seconds of every mode of every processor, and those of guests apart', async () => {
    await using host = openCpuHost(
      statOf('cpu  0 0 0 0', 'cpu0 466063 8698 88781 632018 1572 3 4239 1373 77 5'),
    );
    await host.tick();
    const seconds = (mode: string) => `node_cpu_seconds_total{cpu="0",mode="${mode}"}`;
    const guest = (mode: string) => `node_cpu_guest_seconds_total{cpu="0",mode="${mode}"}`;
    assert.deepEqual(host.values('node_cpu_'), {
      [seconds('user')]: 4660.63,
      [seconds('nice')]: 86.98,
      [seconds('system')]: 887.81,
      [seconds('idle')]: 6320.18,
      [seconds('iowait')]: 15.72,
      [seconds('irq')]: 0.03,
      [seconds('softirq')]: 42.39,
      [seconds('steal')]: 13.73,
      [guest('user')]: 0.77,
      [guest('nice')]: 0.05,
    });
  });

  it('tells how busy all processors were together, waiting for disks not counted', async () => {
    await using host = openCpuHost(statOf('cpu  100 0 0 1000 50 0 0 0 0 0'));
    const first = await host.tick();
    assert.equal(first.cpuUsageBps, undefined);
    host.tree.write(statOf('cpu  130 10 10 1130 70 0 0 0 0 0'));
    const second = await host.tick();
    assert.equal(second.cpuUsageBps, 2500);
    assert.equal(host.value('drover_cpu_usage_percent'), 25);
    host.tree.write(statOf('cpu  230 10 10 1130 70 0 0 100 0 0'));
    assert.equal((await host.tick()).cpuUsageBps, 10_000);
  });

  it('tells how busy each processor was when asked to', async () => {
    await using host = openCpuHost(statOf('cpu  0 0 0 0', 'cpu0 0 0 0 0', 'cpu1 0 0 0 0'), true);
    await host.tick();
    host.tree.write(statOf('cpu  50 0 0 150', 'cpu0 50 0 0 50', 'cpu1 0 0 0 100'));
    await host.tick();
    assert.deepEqual(host.values('drover_cpu_core_usage_percent'), {
      'drover_cpu_core_usage_percent{cpu="0"}': 50,
      'drover_cpu_core_usage_percent{cpu="1"}': 0,
    });
  });

  it('does not follow the small steps back that the kernel makes', async () => {
    await using host = openCpuHost(statOf('cpu  0 0 0 1000 500', 'cpu0 100 0 0 1000 500'));
    await host.tick();
    host.tree.write(statOf('cpu  10 0 0 1090 480', 'cpu0 110 0 0 990 480'));
    const { cpuUsageBps } = await host.tick();
    assert.equal(cpuUsageBps, 1000);
    assert.equal(host.value('node_cpu_seconds_total{cpu="0",mode="idle"}'), 10);
    assert.equal(host.value('node_cpu_seconds_total{cpu="0",mode="iowait"}'), 5);
  });

  it('starts a processor afresh that was away, and tells no usage of that second', async () => {
    await using host = openCpuHost(statOf('cpu  9 0 0 9', 'cpu0 5000 0 0 90000'), true);
    await host.tick();
    host.tree.write(statOf('cpu  9 0 0 99', 'cpu0 12 0 0 34'));
    await host.tick();
    assert.equal(host.value('node_cpu_seconds_total{cpu="0",mode="user"}'), 0.12);
    assert.equal(host.value('node_cpu_seconds_total{cpu="0",mode="idle"}'), 0.34);
    assert.equal(host.value('drover_cpu_core_usage_percent{cpu="0"}'), undefined);
  });

  it('leaves out a processor that is away, and takes in one that came', async () => {
    await using host = openCpuHost(statOf('cpu  9 0 0 9', 'cpu0 1 0 0 1', 'cpu1 1 0 0 1'));
    await host.tick();
    host.tree.write(statOf('cpu  9 0 0 9', 'cpu0 1 0 0 1', 'cpu12 1 0 0 1'));
    await host.tick();
    const cpus = Object.keys(host.values('node_cpu_seconds_total')).map(
      (key) => /cpu="(\d+)"/.exec(key)?.[1],
    );
    assert.deepEqual([...new Set(cpus)], ['0', '12']);
  });

  it('tells no usage when everything went back, as after a restored checkpoint', async () => {
    await using host = openCpuHost(statOf('cpu  5000 0 0 90000'));
    await host.tick();
    host.tree.write(statOf('cpu  10 0 0 20'));
    assert.equal((await host.tick()).cpuUsageBps, undefined);
    host.tree.write(statOf('cpu  20 0 0 110'));
    assert.equal((await host.tick()).cpuUsageBps, 1000);
  });

  it('fails when there is no such file, and takes samples again when there is', async () => {
    await using host = openCpuHost({});
    await assert.rejects(host.tick(), /proc\/stat cannot be read/);
    host.tree.write(statOf('cpu  1 0 0 1', 'cpu0 1 0 0 1'));
    await host.tick(10_000);
    assert.equal(host.value('node_cpu_seconds_total{cpu="0",mode="user"}'), 0.01);
  });

  it('counts once what threads of a core and cores of a package share', async () => {
    const cpu = (name: string, core: number, throttles: [number, number]) => ({
      [`sys/devices/system/cpu/${name}/topology/physical_package_id`]: '0',
      [`sys/devices/system/cpu/${name}/topology/core_id`]: String(core),
      [`sys/devices/system/cpu/${name}/thermal_throttle/core_throttle_count`]: `${throttles[0]}`,
      [`sys/devices/system/cpu/${name}/thermal_throttle/package_throttle_count`]: `${throttles[1]}`,
    });
    await using host = openCpuHost({
      ...statOf('cpu  1 0 0 1', 'cpu0 1 0 0 1'),
      ...cpu('cpu0', 0, [5, 30]),
      ...cpu('cpu1', 0, [6, 31]),
      ...cpu('cpu2', 1, [9, 32]),
      'sys/devices/system/cpu/isolated': '2-3,7',
    });
    await host.tick();
    host.tree.write({ 'sys/devices/system/cpu/cpu2/thermal_throttle/core_throttle_count': '10' });
    await host.tick();
    assert.deepEqual(host.values('node_cpu_core_throttles'), {
      'node_cpu_core_throttles_total{core="0",package="0"}': 5,
      'node_cpu_core_throttles_total{core="1",package="0"}': 10,
    });
    assert.deepEqual(host.values('node_cpu_package_throttles'), {
      'node_cpu_package_throttles_total{package="0"}': 30,
    });
    assert.deepEqual(host.values('node_cpu_isolated'), {
      'node_cpu_isolated{cpu="2"}': 1,
      'node_cpu_isolated{cpu="3"}': 1,
      'node_cpu_isolated{cpu="7"}': 1,
    });
  });
});

describe('the stat collector', () => {
  it('tells what the kernel counts', async () => {
    await using host = openCpuHost(statOf('cpu  1 0 0 1'));
    await host.tick();
    assert.equal(host.value('node_intr_total'), 16_097_706);
    assert.equal(host.value('node_context_switches_total'), 45_140_779);
    assert.equal(host.value('node_boot_time_seconds'), 1_795_221_996);
    assert.equal(host.value('node_forks_total'), 136_118);
    assert.equal(host.value('node_procs_running'), 3);
    assert.equal(host.value('node_procs_blocked'), 1);
  });

  it('leaves out what is malformed, and tells the rest', async () => {
    await using host = openCpuHost({ 'proc/stat': 'cpu  x\ncpu0 1 y\nctxt 12z\nbtime 7\n\nintr' });
    await host.tick();
    assert.deepEqual(host.values(), { node_boot_time_seconds: 7 });
  });
});
