/**
 * A process that measures and writes to a receiver, to be killed: one tick every few milliseconds
 * of real time, each a second after the other in its samples.
 *
 *   node remote-write-process.ts URL DIRECTORY FIRST_TICK END_TICK BASE_MS
 *
 * It says `tick N PENDING` after each tick the queue has taken, sends what is left at the end,
 * and then prints its own metrics.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpRemoteWrite } from '#backends/remote-write/http-remote-write.ts';
import { holdProcess, systemClock } from '#kernel/clock.ts';
import { silentLog } from '#kernel/log.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { parseReceiver } from '#metrics/remote-write/receiver.ts';
import { RemoteWrite } from '#metrics/remote-write/remote-write.ts';
import { SampleTable } from '#metrics/sample-table.ts';

export const SERIES = 40;
/** The series `drover_test_blip` is absent from the first of these ticks to the second. */
export const ABSENT_FROM = 20;
export const ABSENT_TO = 60;

const TICK_MS = 15;
const COUNT = {
  name: 'drover_test_ticks_total',
  help: 'Ticks.',
  kind: 'counter',
  scale: 0,
} as const;
const SHARE = { name: 'drover_test_share', help: 'A share.', kind: 'gauge', scale: 2 } as const;
const BLIP = { name: 'drover_test_blip', help: 'At times.', kind: 'gauge', scale: 0 } as const;

async function main([url, directory = '', first, end, base]: readonly string[]): Promise<void> {
  using _hold = holdProcess();
  using http = new HttpRemoteWrite({ userAgent: 'Drover/test' });
  const metrics = new MetricsRegistry();
  const table = new SampleTable();
  {
    await using remote = new RemoteWrite({
      directory,
      receivers: [parseReceiver({ name: 'prometheus', url, timeoutMs: 2000 }, 'receiver')],
      commonLabels: { instance: 'host-1', job: 'drover' },
      clock: systemClock,
      log: silentLog,
      metrics,
      send: (receiver, body, signal) => http.send(receiver, body, signal),
      maxWaitMs: 50,
      drainMs: 20_000,
    });
    for (let tick = Number(first); tick < Number(end); tick += 1) {
      for (let at = 0; at < SERIES; at += 1) {
        table
          .family(COUNT)
          .series({ part: String(at) })
          .set(tick);
        table
          .family(SHARE)
          .series({ part: String(at) })
          .set(tick * 100 + at);
      }
      if (tick < ABSENT_FROM || tick >= ABSENT_TO) table.family(BLIP).series().set(1);
      table.endTick();
      remote.onTick({ atMs: Number(base) + tick * 1000 }, table);
      const { receivers, writeError } = remote.health();
      if (writeError !== undefined) throw new Error(writeError);
      process.stdout.write(`tick ${tick} ${receivers[0]?.pendingSamples}\n`);
      await sleep(TICK_MS);
    }
    process.stdout.write('draining\n');
  }
  process.stdout.write(metrics.expose());
}

if (import.meta.main) await main(process.argv.slice(2));
