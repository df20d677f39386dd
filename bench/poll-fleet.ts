/**
 * What watching so many servers costs by itself: polls over HTTP, what is made of the answers, the
 * snapshots, and the series of all of them once a second.
 *
 *   node bench/poll-fleet.ts URL SERVERS POLLS
 *
 * The fewer servers there are the faster its time runs, so that all sizes make as many polls in a
 * second and do as much for each. Says what it took as JSON, and ends.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SourceFeedOpener } from '#backends/server-sources/source-feed-opener.ts';
import { Fleet } from '#fleet/fleet.ts';
import { MOST_SERVER_SERIES, ServerCollector } from '#fleet/server-collector.ts';
import type { WatchedServer } from '#fleet/server.ts';
import { systemClock, type Clock } from '#kernel/clock.ts';
import { parseTrust } from '#kernel/http-trust.ts';
import type { ServerId } from '#kernel/ids.ts';
import { silentLog } from '#kernel/log.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { SampleTable } from '#metrics/sample-table.ts';
import { percentile } from './statistics.ts';

const INTERVAL_MS = 5 * SECOND_MS;
const POLLS_A_SECOND = 200;
const MICROS_PER_MS = 1000;
const LOOK_AGAIN_MS = 10;

const [url = '', countText = '', pollsText = ''] = process.argv.slice(2);
const count = Number(countText);
const wantedPolls = Number(pollsText);
const speed = (POLLS_A_SECOND * INTERVAL_MS) / SECOND_MS / count;

const clock: Clock = {
  nowMs: () => systemClock.nowMs(),
  monotonicMs: () => systemClock.monotonicMs() * speed,
  sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
  after: (ms, call) => systemClock.after(ms / speed, call),
  every: (ms, call) => systemClock.every(ms / speed, call),
};
const none = () => {
  throw new Error('this host is not watched');
};
const table = new SampleTable({ maxSeries: MOST_SERVER_SERIES });
await using fleet = new Fleet({
  ...{ clock, log: silentLog, intervalMs: INTERVAL_MS, alerts: () => new Map() },
  opener: new SourceFeedOpener({ clock, local: none }),
});
const collector = new ServerCollector({ fleet, table, onFull: none });
const ticksMs: number[] = [];
using _ticks = clock.every(SECOND_MS, () => {
  const before = process.cpuUsage();
  collector.collect();
  table.endTick();
  ticksMs.push(cpuMsSince(before));
});
let polls = 0;
using _counting = fleet.onChange(() => {
  polls += 1;
});

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / MICROS_PER_MS;
}

async function untilPolls(wanted: number): Promise<void> {
  for (polls = 0; polls < wanted;) await sleep(LOOK_AGAIN_MS);
}

const trust = parseTrust({});
const roster = Array.from({ length: count }, (_, at) => {
  const spec = { kind: 'exporter', url: `${url}/${at}/metrics`, trust, sealedSecret: undefined };
  const server = { id: `node-${at}` as ServerId, name: `node-${at}`, roles: ['any'] };
  return {
    server: { ...server, sources: [spec], origin: 'config' } as WatchedServer,
    secrets: [undefined],
  };
});
await fleet.watch(roster);
await fleet.settled();
// Rates need two looks, and code that runs for the first time is slow.
await untilPolls(Math.max(2 * count, wantedPolls / 2));
const firstTicksMs = ticksMs.splice(0);
const before = process.cpuUsage();
await untilPolls(wantedPolls);
const pollMs = cpuMsSince(before) / polls;
globalThis.gc?.();
process.stdout.write(
  `${JSON.stringify({
    pollMs,
    tickMs: percentile(ticksMs, 0.5),
    longestTickMs: Math.max(...ticksMs),
    longestFirstTickMs: Math.max(...firstTicksMs),
    heapMb: process.memoryUsage().heapUsed / 1e6,
    series: table.seriesCount,
  })}\n`,
);
