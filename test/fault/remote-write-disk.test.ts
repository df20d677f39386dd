import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { parseReceiver } from '#metrics/remote-write/receiver.ts';
import { RemoteWrite } from '#metrics/remote-write/remote-write.ts';
import { SampleTable } from '#metrics/sample-table.ts';
import { createLogCapture } from '#test/log-capture.ts';
import { readWriteRequest } from '#test/write-request-reader.ts';
import { SmallDisk } from './small-disk.ts';

const GAUGE = { name: 'noise', help: 'Noise.', kind: 'gauge', scale: 0 } as const;
const START = Date.UTC(2026, 0, 1);

describe('the remote write queue on a full disk', () => {
  for (const what of ['blocks', 'inodes'] as const) {
    it(`never fails a tick, counts what is lost, and recovers (${what})`, async (t) => {
      using disk = SmallDisk.mount(t, 2);
      if (disk === undefined) return;
      const clock = new FakeClock(START);
      const logged = createLogCapture();
      const table = new SampleTable();
      const received: number[] = [];
      let isAway = true;
      const remote = new RemoteWrite({
        directory: join(disk.path, 'remote-write'),
        receivers: [parseReceiver({ name: 'a', url: 'http://a/' }, 'r')],
        commonLabels: {},
        clock,
        log: logged.log,
        metrics: new MetricsRegistry(),
        maxQueueAgeMs: 64 * 30_000,
        send: async (_receiver, body) => {
          if (isAway) throw new Error('away');
          const samples = readWriteRequest(body)[0]?.samples ?? [];
          received.push(...samples.map(({ atMs }) => (atMs - START) / 1000));
          return { status: 200, retryAfter: undefined, text: '' };
        },
      });
      await using _remote = remote;
      const write = (first: number, end: number) => {
        for (let tick = first; tick < end; tick += 1) {
          for (let at = 0; at < 50; at += 1) {
            table
              .family(GAUGE)
              .series({ at: String(at) })
              .set((tick * 7919 * at) % 1_000_003);
          }
          table.endTick();
          remote.onTick({ atMs: START + tick * 1000 }, table);
        }
      };
      write(0, 100);
      disk.fill(what);
      write(100, 400);
      assert.equal(remote.health().writeError, 'ENOSPC');
      disk.makeRoom();
      write(400, 500);
      assert.equal(remote.health().writeError, undefined);
      isAway = false;
      await clock.advance(60_000);

      const whole = Array.from({ length: 100 }, (_, at) => at);
      assert.deepEqual(received.slice(0, 100), whole);
      assert.deepEqual(
        received.slice(-100),
        whole.map((at) => at + 400),
      );
      assert.deepEqual(
        received,
        [...new Set(received)].toSorted((a, b) => a - b),
      );
      const failures = logged.text().match(/queue cannot be written/g);
      assert.equal(failures?.length, 1);
      assert.match(logged.text(), /"lost_ticks":\d+.*queue can be written again/);
    });
  }
});
