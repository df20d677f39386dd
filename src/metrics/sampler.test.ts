import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { silentLog } from '#kernel/log.ts';
import type { Collector, Tick } from './collector.ts';
import { SampleTable } from './sample-table.ts';
import { Sampler } from './sampler.ts';

const START = Date.UTC(2026, 0, 1) + 250;
const VALUE = { name: 'value', help: 'A value.', kind: 'gauge', scale: 0 } as const;

function world(
  collect: (tick: Tick) => void | Promise<void>,
  { intervalMs = 1000, more = [] as Collector[] } = {},
) {
  const clock = new FakeClock(START);
  const table = new SampleTable();
  const sampler = new Sampler({
    ...{ clock, table, intervalMs, log: silentLog },
    collectors: [{ name: 'test', collect }, ...more],
  });
  const success = () =>
    table.find('node_scrape_collector_success')?.members.get('collector="test"')?.value;
  return { clock, table, sampler, success };
}

describe('the sampler', () => {
  it('shows its first sample after it has read everything twice', async () => {
    let reads = 0;
    const { clock, sampler } = world(() => void (reads += 1));
    await using _ = sampler;
    const first = sampler.sample(new AbortController().signal);
    sampler.start();
    await clock.advance(100);
    assert.equal(sampler.latest, undefined);
    await clock.advance(100);
    assert.equal(reads, 2);
    assert.equal((await first).atMs, START + 200);
  });

  it('then samples at multiples of the interval', async () => {
    const { clock, sampler } = world(() => undefined);
    await using _ = sampler;
    const at: number[] = [];
    sampler.onTick(({ atMs }) => at.push(atMs - START));
    sampler.start();
    await clock.advance(3000);
    assert.deepEqual(at, [200, 750, 1750, 2750]);
  });

  it('marks a collector that throws, and goes on with the others', async () => {
    const table = { failing: true };
    const other: Collector = { name: 'other', collect: () => undefined };
    const {
      clock,
      sampler,
      success,
      table: samples,
    } = world(
      () => {
        if (table.failing) throw new Error('no such file');
      },
      { more: [other] },
    );
    await using _ = sampler;
    sampler.start();
    await clock.advance(1000);
    assert.equal(success(), 0);
    const family = samples.find('node_scrape_collector_success');
    assert.equal(family?.members.get('collector="other"')?.value, 1);
    table.failing = false;
    await clock.advance(1000);
    assert.equal(success(), 1);
  });

  it('leaves a collector that hangs alone until it is back, and does without', async () => {
    let calls = 0;
    let back = () => {};
    const { clock, sampler, success, table } = world(
      () =>
        new Promise<void>((resolve) => {
          calls += 1;
          back = resolve;
        }),
    );
    await using _ = sampler;
    table.family(VALUE).series();
    sampler.start();
    await clock.advance(5000);
    assert.equal(calls, 1);
    assert.equal(success(), 0);
    assert.ok((sampler.latest?.atMs ?? 0) > START + 3000);
    back();
    await clock.advance(1000);
    assert.equal(calls, 2);
  });

  it('tells a collector when its time is up', async () => {
    const seen: boolean[] = [];
    const { clock, sampler } = world(async ({ signal }) => {
      await clock.sleep(10_000, signal).catch(() => undefined);
      seen.push(signal.aborted);
    });
    await using _ = sampler;
    sampler.start();
    await clock.advance(700);
    assert.deepEqual(seen[0], true);
  });

  it('refuses those who wait for a first sample when it is stopped', async () => {
    const { sampler } = world(() => undefined);
    const waiting = sampler.sample(new AbortController().signal);
    await sampler[Symbol.asyncDispose]();
    await assert.rejects(waiting);
  });

  it('keeps the samples of a tick when one who hears of it fails', async () => {
    const { clock, sampler } = world(() => undefined);
    await using _ = sampler;
    const heard: number[] = [];
    sampler.onTick(() => {
      throw new Error('full disk');
    });
    sampler.onTick(({ atMs }) => heard.push(atMs));
    sampler.start();
    await clock.advance(1000);
    assert.equal(heard.length, 2);
  });

  it('gives others their turn where those who hear of a tick take long', async () => {
    const { clock, sampler } = world(() => undefined);
    await using _ = sampler;
    let workedMs = 0;
    const monotonicMs = clock.monotonicMs.bind(clock);
    clock.monotonicMs = () => monotonicMs() + workedMs;
    const order: string[] = [];
    sampler.onTick(() => {
      workedMs += 20;
      setImmediate(() => order.push('somebody else'));
    });
    sampler.onTick(() => order.push('the second'));
    sampler.onTick(() => order.push('the third'));
    sampler.start();
    await clock.advance(200);
    await sampler.sample(new AbortController().signal);
    assert.deepEqual(order, ['somebody else', 'the second', 'the third']);
  });
});
