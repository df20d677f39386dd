import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MIB } from '#kernel/units.ts';
import { PoolFixture, workerApp } from '#test/pool-fixture.ts';

const SHOP = 'shop@1.0.0';

describe('the metrics of the pool', () => {
  it('tell of each app what it has, what waits, and how it went', async () => {
    await using fixture = new PoolFixture({ settings: { warm: 1 } });
    fixture.pool.admit(workerApp(SHOP, { maxWorkers: 1, queueLimit: 1 }));
    await fixture.settle();
    await fixture.asked(SHOP);
    fixture.ask(SHOP);
    fixture.ask(SHOP);
    fixture.memberOf(SHOP).report(0.25);
    await fixture.advance(1000);
    const value = (name: string, labels = '') => fixture.metric(`${name}{app="${SHOP}"${labels}}`);
    assert.equal(value('drover_app_workers', ',state="active"'), 1);
    assert.equal(value('drover_app_workers', ',state="idle"'), 0);
    assert.equal(fixture.metric('drover_app_workers{app="(warm)",state="idle"}'), 1);
    assert.equal(value('drover_app_queue_depth'), 1);
    assert.equal(value('drover_app_in_flight'), 1);
    assert.equal(value('drover_app_failing'), 0);
    assert.equal(value('drover_app_event_loop_utilization'), 0.25);
    assert.equal(value('drover_app_memory_bytes'), 50 * MIB);
    assert.equal(value('drover_app_requests_total', ',outcome="queue-full"'), 1);
    await fixture.answerAll();
    assert.equal(value('drover_app_requests_total', ',outcome="answered"'), 2);
    assert.equal(value('drover_app_queue_wait_seconds_count'), 2);
    assert.equal(value('drover_app_queue_wait_seconds_sum'), 1);
    assert.equal(value('drover_app_run_seconds_sum'), 1);
    assert.equal(value('drover_worker_start_seconds_count', ',kind="warm"'), 1);
    fixture.memberOf(SHOP).crash('exit code 1');
    await fixture.settle();
    assert.equal(value('drover_worker_ends_total', ',reason="crashed"'), 1);
    assert.equal(value('drover_app_requests_total', ',outcome="answered"'), 2, 'counted once');
  });

  it('keep what was counted of an app that was admitted anew', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP));
    await fixture.asked(SHOP);
    await fixture.answerNext();
    const retired = fixture.pool.retire(SHOP);
    fixture.pool.admit(workerApp(SHOP));
    await retired;
    await fixture.settle();
    const answered = `drover_app_requests_total{app="${SHOP}",outcome="answered"}`;
    assert.equal(fixture.metric(answered), 1);
  });

  it('forget an app with the last of it', async () => {
    await using fixture = new PoolFixture();
    fixture.pool.admit(workerApp(SHOP));
    await fixture.asked(SHOP);
    await fixture.answerNext();
    assert.match(fixture.metrics.expose(), /shop@1\.0\.0/);
    await fixture.pool.retire(SHOP);
    await fixture.settle();
    assert.doesNotMatch(fixture.metrics.expose(), /shop@1\.0\.0/);
  });
});
