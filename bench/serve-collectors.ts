/**
 * Samples this host over and over, as the agent does, and answers every request with the CPU time
 * its process has used and the samples it has taken.
 */
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { createExtraHostCollectors } from '#backends/host/create-extra-host-collectors.ts';
import { createHostCollectors } from '#backends/host/create-host-collectors.ts';
import { systemClock } from '#kernel/clock.ts';
import { silentLog } from '#kernel/log.ts';
import { SampleTable } from '#metrics/sample-table.ts';
import { Sampler } from '#metrics/sampler.ts';
import { serveUntilTold } from './serve-until-told.ts';

const MICROS_PER_MS = 1000;
/** node_exporter has nothing like these, or not by default. */
const OURS_ALONE = new Set(['gpu', 'cgroup']);

const { values } = parseArgs({ options: { interval: { type: 'string', default: '1000' } } });
const table = new SampleTable();
const options = {
  ...{ table, clock: systemClock, log: silentLog, procRoot: '/proc', sysRoot: '/sys' },
  enabled: (name: string) => !OURS_ALONE.has(name),
};
await using sampler = new Sampler({
  ...{ clock: systemClock, log: silentLog, table, intervalMs: Number(values.interval) },
  collectors: [...createHostCollectors(options), ...createExtraHostCollectors(options)],
});
let samples = 0;
sampler.onTick(() => {
  samples += 1;
});
sampler.start();

const server = createServer((_, response) => {
  const { user, system } = process.cpuUsage();
  const cpuMs = (user + system) / MICROS_PER_MS;
  response.end(JSON.stringify({ cpuMs, samples, series: table.seriesCount }));
});
await serveUntilTold(server);
