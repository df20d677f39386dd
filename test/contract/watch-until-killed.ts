/**
 * A program that watches one rule over series that cross it and come back, a little at a time,
 * until it is killed. It prints a line for each tick.
 */
import { FakeClock } from '#kernel/fake-clock.ts';
import { silentLog } from '#kernel/log.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { SampleTable } from '#metrics/sample-table.ts';
import { openThresholds } from '#metrics/thresholds/thresholds.ts';
import { openStoresAt } from '#test/contract/databases.ts';
import { TEMPERATURE, warmRule } from '#test/threshold-fixture.ts';

const ROOMS = 20;

const [, , url = '', startTick = '0'] = process.argv;
const stores = await openStoresAt(url);
const clock = new FakeClock(Date.UTC(2026, 0, 1) + Number(startTick) * 1000);
const table = new SampleTable();
const thresholds = await openThresholds({
  ...{ table, clock, store: stores.rules, silences: stores.rules, log: silentLog },
  metrics: new MetricsRegistry(),
  defaults: [],
  configRules: [warmRule({ for: 3 })],
  identity: { instanceId: 'host-1', accountId: undefined },
});
for (let tick = Number(startTick); ; tick += 1) {
  await clock.advance(1000);
  for (let room = 0; room < ROOMS; room += 1) {
    // Each room is warm for ten ticks and then cool for ten, each at another time.
    const isWarm = (tick + room) % 20 < 10;
    table
      .family(TEMPERATURE)
      .series({ room: `${room}` })
      .set(isWarm ? 350 : 200);
  }
  table.endTick();
  const instant = { atMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
  thresholds.onTick({ ...instant, intervalMs: 1000, readings: {} });
  process.stdout.write(`${tick}\n`);
}
