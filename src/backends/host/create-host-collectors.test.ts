import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { systemClock } from '#kernel/clock.ts';
import { silentLog } from '#kernel/log.ts';
import { Sampler } from '#metrics/sampler.ts';
import { SampleTable } from '#metrics/sample-table.ts';
import { presentValues } from '#test/collected-samples.ts';
import { HostFixture } from '#test/host-fixture.ts';
import { createHostCollectors, HOST_COLLECTOR_NAMES } from './create-host-collectors.ts';

const REAL = { clock: systemClock, procRoot: '/proc', sysRoot: '/sys' };

describe('the collectors of a host', () => {
  it('all succeed on this host', async () => {
    const table = new SampleTable();
    const collectors = createHostCollectors({ ...REAL, table, enabled: () => true });
    await using sampler = new Sampler({
      ...{ clock: systemClock, log: silentLog, table, collectors, intervalMs: 1000 },
    });
    sampler.start();
    const { readings } = await sampler.sample(AbortSignal.timeout(10_000));
    const values = presentValues(table);
    for (const name of HOST_COLLECTOR_NAMES) {
      assert.equal(values[`node_scrape_collector_success{collector="${name}"}`], 1, name);
    }
    const { cpuUsageBps = -1, processCount = 0, memory, load, disks, interfaces } = readings;
    assert.ok(cpuUsageBps >= 0 && cpuUsageBps <= 10_000, `CPU: ${cpuUsageBps}`);
    assert.ok((memory?.usedBytes ?? 0) > 0 && (memory?.usedBytes ?? 0) < (memory?.totalBytes ?? 0));
    assert.ok(load !== undefined && disks !== undefined);
    assert.ok(interfaces?.some(({ name }) => name === 'lo'));
    const listed = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length;
    // Tests beside this one start hundreds, and end them.
    assert.ok(processCount > 1, `${processCount}`);
    assert.ok(Math.abs(processCount - listed) < 1000, `${processCount} is not about ${listed}`);
  });

  it('are made by name, in a fixed order, and read nothing before the first sample', () => {
    const table = new SampleTable();
    const made = createHostCollectors({
      ...{ ...REAL, table, procRoot: '/no-such', sysRoot: '/no-such' },
      enabled: (name) => name === 'stat' || name === 'arp',
    });
    assert.deepEqual(
      made.map(({ name }) => name),
      ['arp', 'stat'],
    );
  });

  it('close every descriptor they opened', async () => {
    const before = readdirSync('/proc/self/fd').length;
    const collectors = createHostCollectors({
      ...{ ...REAL, table: new SampleTable(), enabled: () => true },
    });
    const tick = { atMs: 0, monotonicMs: 0, intervalMs: 1000, signal: AbortSignal.abort() };
    for (const collector of collectors) await collector.collect({ ...tick, readings: {} });
    assert.ok(readdirSync('/proc/self/fd').length > before + 10);
    for (const collector of collectors) await collector[Symbol.asyncDispose]?.();
    assert.equal(readdirSync('/proc/self/fd').length, before);
  });

  it('bear any content of any file', async () => {
    const random = createRandom(20_260_101);
    await using host = new HostFixture({ collectors: HOST_COLLECTOR_NAMES, files: {} });
    for (let round = 0; round < 60; round += 1) {
      host.tree.write(Object.fromEntries(FILES.map((path) => [path, garbage(random, path)])));
      for (const collector of host.collectors) {
        const readings = {};
        const monotonicMs = round * 11_000;
        const tick = { atMs: 0, monotonicMs, intervalMs: 1000, signal: AbortSignal.abort() };
        try {
          await collector.collect({ ...tick, readings });
        } catch (thrown) {
          assert.ok(thrown instanceof Error);
          assert.match(thrown.message, /cannot be read|does not|tells no|there is neither/);
        }
      }
      host.table.endTick();
      for (const [key, value] of Object.entries(host.values('drover_'))) {
        if (!key.includes('_percent') || key.startsWith('drover_pressure')) continue;
        assert.ok(value >= 0 && value <= 100, `${key} ${value}`);
      }
    }
    assert.ok(host.table.seriesCount > 0);
  });
});

const FILES = [
  ...['stat', 'meminfo', 'diskstats', 'net/dev', 'net/netstat', 'net/snmp', 'net/snmp6', 'vmstat'],
  ...['loadavg', 'pressure/cpu', 'pressure/io', 'pressure/memory', 'net/sockstat', 'net/udp'],
  ...['net/sockstat6', 'net/softnet_stat', 'net/udp6', 'net/arp', 'net/stat/nf_conntrack'],
  ...['sys/net/netfilter/nf_conntrack_count', 'sys/fs/file-nr', 'schedstat', 'uptime'],
  'sys/kernel/random/entropy_avail',
].map((path) => `proc/${path}`);
const WORDS = [
  ...['cpu', 'cpu0', 'cpu1', 'eth0:', 'TCP:', 'Tcp:', 'inuse', 'sda', 'MemTotal:', 'kB', 'some'],
  ...['avg10=1.0', 'total=', '99', '0', '-1', '18446744073709551615', '1e9', '0.5', 'ffffffff'],
  ...['\u0000', '\u0001', '\t', 'ü', ':', '\n', '\n', '\n', '\n'],
];

function garbage(random: () => number, path: string): string {
  const words = Array.from(
    { length: random() % 200 },
    () => WORDS[random() % WORDS.length] ?? path,
  );
  return words.join(random() % 9 === 0 ? '' : ' ');
}

/** The same numbers in every run. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
}
