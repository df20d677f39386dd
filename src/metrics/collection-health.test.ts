import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { silentLog } from '#kernel/log.ts';
import { CollectionHealth, type ComponentHealth } from './collection-health.ts';
import { SampleTable } from './sample-table.ts';
import { Sampler } from './sampler.ts';

const FINE: ComponentHealth = { status: 'ok', lastSuccessMs: 5000, details: 'fine' };

/** Whose collector hangs from the moment it is told to, so that no sample comes any more. */
function world(intervalMs: number, publishing = () => Promise.resolve(FINE)) {
  const clock = new FakeClock(Date.UTC(2026, 0, 1));
  const sampler = new Sampler({
    ...{ clock, intervalMs, log: silentLog, table: new SampleTable() },
    collectors: [],
  });
  const health = new CollectionHealth({ clock, sampler, publishing });
  const stop = () => sampler[Symbol.asyncDispose]();
  return { clock, sampler, health, stop };
}

describe('the health of collecting', () => {
  it('is ok while samples come, and tells when the last one did', async () => {
    const { clock, sampler, health, stop } = world(1000);
    sampler.start();
    await clock.advance(4000);
    const report = await health.report();
    assert.equal(report.status, 'ok');
    assert.equal(report.uptimeSeconds, 4);
    assert.deepEqual(
      report.components.map(({ name, status }) => [name, status]),
      [
        ['metrics_collection', 'ok'],
        ['event_publishing', 'ok'],
        ['api', 'ok'],
      ],
    );
    assert.match(report.components[0]?.details ?? '', /timestamp 17672\d+$/);
    await stop();
  });

  it('degrades after two intervals without a sample, and fails after five', async () => {
    const { clock, sampler, health, stop } = world(1000);
    sampler.start();
    await clock.advance(1000);
    await stop();
    const statusAfter = async (ms: number) => {
      await clock.advance(ms);
      return (await health.report()).status;
    };
    assert.equal(await statusAfter(1900), 'ok');
    assert.equal(await statusAfter(200), 'degraded');
    assert.equal(await statusAfter(2800), 'degraded');
    assert.equal(await statusAfter(200), 'error');
  });

  it('gives a short interval seconds all the same', async () => {
    const { clock, sampler, health, stop } = world(100);
    sampler.start();
    await clock.advance(1000);
    await stop();
    await clock.advance(1500);
    assert.equal((await health.report()).status, 'ok');
  });

  it('fails when the first sample never comes', async () => {
    const { clock, health, stop } = world(1000);
    await clock.advance(1000);
    assert.equal((await health.report()).status, 'ok');
    await clock.advance(5000);
    const { status, components } = await health.report();
    assert.equal(status, 'error');
    assert.equal(components[0]?.lastSuccessMs, undefined);
    await stop();
  });

  it('is as bad as its worst part, also when that cannot be asked', async () => {
    const degraded = { ...FINE, status: 'degraded' } as const;
    const one = world(1000, () => Promise.resolve(degraded));
    assert.equal((await one.health.report()).status, 'degraded');
    const other = world(1000, () =>
      Promise.reject(new DroverError('unavailable', 'cannot reach db.internal')),
    );
    const { status, components } = await other.health.report();
    assert.equal(status, 'error');
    assert.doesNotMatch(JSON.stringify(components), /db\.internal/);
    await one.stop();
    await other.stop();
  });
});
