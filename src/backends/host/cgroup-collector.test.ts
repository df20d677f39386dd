import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { FakeClock } from '#kernel/fake-clock.ts';
import { SampleTable } from '#metrics/sample-table.ts';
import { collectSamples } from '#test/collected-samples.ts';
import { openFileTree } from '#test/file-tree.ts';
import { CgroupCollector } from './cgroup-collector.ts';

const SLICE = 'fs/cgroup/system.slice';
const FILES = {
  'fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids',
  'fs/cgroup/cpu.stat': 'usage_usec 999',
  [`${SLICE}/cpu.stat`]: 'usage_usec 123456\nuser_usec 100000\nsystem_usec 23456\nnr_periods 0',
  [`${SLICE}/memory.current`]: '104857600',
  [`${SLICE}/memory.max`]: 'max',
  [`${SLICE}/pids.current`]: '31',
  [`${SLICE}/pids.max`]: 'max',
  [`${SLICE}/io.stat`]:
    '8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n' +
    '259:0 rbytes=100 wbytes=200 rios=3 wios=4 dbytes=0 dios=0',
  [`${SLICE}/ssh.service/cpu.stat`]: 'usage_usec 5\nthrottled_usec 1500000',
  [`${SLICE}/ssh.service/memory.current`]: '4096',
  [`${SLICE}/ssh.service/memory.max`]: '1048576',
  [`${SLICE}/ssh.service/pids.max`]: '512',
  [`${SLICE}/ssh.service/deeper/memory.current`]: '1',
};

async function collect(files: Readonly<Record<string, string>>, mostGroups = 200) {
  using tree = openFileTree(files);
  const table = new SampleTable();
  const options = { table, sysRoot: tree.root, clock: new FakeClock(), mostGroups };
  return (await collectSamples(new CgroupCollector(options), table)).values;
}

describe('CgroupCollector', () => {
  it('shows what the groups of two levels use', async () => {
    const slice = '{cgroup="/system.slice"}';
    const service = '{cgroup="/system.slice/ssh.service"}';
    assert.deepEqual(await collect(FILES), {
      [`drover_cgroup_cpu_usage_seconds_total${slice}`]: 0.123456,
      [`drover_cgroup_cpu_usage_seconds_total${service}`]: 0.000005,
      [`drover_cgroup_cpu_user_seconds_total${slice}`]: 0.1,
      [`drover_cgroup_cpu_system_seconds_total${slice}`]: 0.023456,
      [`drover_cgroup_cpu_throttled_seconds_total${service}`]: 1.5,
      [`drover_cgroup_memory_bytes${slice}`]: 104_857_600,
      [`drover_cgroup_memory_bytes${service}`]: 4096,
      [`drover_cgroup_memory_max_bytes${service}`]: 1_048_576,
      [`drover_cgroup_io_read_bytes_total${slice}`]: 4196,
      [`drover_cgroup_io_written_bytes_total${slice}`]: 8392,
      [`drover_cgroup_io_reads_total${slice}`]: 4,
      [`drover_cgroup_io_writes_total${slice}`]: 6,
      [`drover_cgroup_pids${slice}`]: 31,
      [`drover_cgroup_pids_max${service}`]: 512,
      drover_cgroups_omitted: 0,
    });
  });

  it('has nothing and no error where there is only version 1, or none at all', async () => {
    assert.deepEqual(await collect({}), {});
    assert.deepEqual(await collect({ 'fs/cgroup/cpu/tasks': '1' }), {});
  });

  it('finds version 2 beside version 1', async () => {
    const values = await collect({
      'fs/cgroup/unified/cgroup.controllers': '',
      'fs/cgroup/unified/user.slice/cpu.stat': 'usage_usec 7000000',
    });
    assert.deepEqual(values, {
      'drover_cgroup_cpu_usage_seconds_total{cgroup="/user.slice"}': 7,
      drover_cgroups_omitted: 0,
    });
  });

  it('measures those nearest to the root of too many, and counts the rest', async () => {
    const groups = Array.from({ length: 6 }, (_, at) => [`fs/cgroup/g${at}/pids.current`, '1']);
    const values = await collect(
      { ...Object.fromEntries(groups), ...FILES, 'fs/cgroup/g0/child/pids.current': '1' },
      7,
    );
    assert.equal(values['drover_cgroups_omitted'], 2);
    assert.equal(values['drover_cgroup_pids{cgroup="/g5"}'], 1);
    assert.equal(values['drover_cgroup_pids{cgroup="/g0/child"}'], undefined);
  });

  it('notices groups that come and go', async () => {
    using tree = openFileTree(FILES);
    const table = new SampleTable();
    const clock = new FakeClock();
    const collector = new CgroupCollector({ table, sysRoot: tree.root, clock });
    await collectSamples(collector, table, clock);
    tree.remove(`${SLICE}/ssh.service`);
    tree.write({ 'fs/cgroup/new.scope/pids.current': '3' });
    const gone = await collectSamples(collector, table, clock);
    const service = 'drover_cgroup_memory_bytes{cgroup="/system.slice/ssh.service"}';
    assert.equal(gone.values[service], undefined);
    await clock.advance(10_000);
    const { values } = await collectSamples(collector, table, clock);
    assert.equal(values['drover_cgroup_pids{cgroup="/new.scope"}'], 3);
  });
});
