import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { FakeAppWorkers, OPEN_POLICY } from '#test/app-fixture.ts';
import type { AnswerHandler } from '#workers/exchange.ts';
import { AppCron } from './app-cron.ts';
import { createAppVersion } from './app-version.ts';
import type { AppVersion } from './app.ts';
import { parseManifest } from './manifest.ts';

const EVERY_MINUTE = { schedule: '* * * * *', path: '/tick' };

function appWith(version: string, cron: readonly object[], name = 'shop'): AppVersion {
  const manifest = parseManifest({ name, version, entrypoint: 'a.js', cron }, OPEN_POLICY);
  return createAppVersion(manifest, '/srv/app', { deployedAt: 0, sizeBytes: 0, fileCount: 0 });
}

class Fixture implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly workers = new FakeAppWorkers();
  readonly told: string[] = [];
  readonly cron = new AppCron({
    clock: this.clock,
    workers: this.workers,
    tell: (app, line) => void this.told.push(`${app.key} ${line}`),
  });

  get runs(): string[] {
    return this.workers.requests.map(({ key, head }) => `${key} ${head.method} ${head.url}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cron[Symbol.asyncDispose]();
  }
}

describe('AppCron', () => {
  it('calls the app when an entry is due, as the platform', async () => {
    await using fixture = new Fixture();
    fixture.cron.set(appWith('1.0.0', [EVERY_MINUTE]));
    await fixture.clock.advance(MINUTE_MS - 1);
    assert.deepEqual(fixture.runs, []);
    await fixture.clock.advance(1);
    assert.deepEqual(fixture.workers.requests, [
      {
        key: 'shop@1.0.0',
        head: {
          method: 'POST',
          url: 'http://drover.internal/tick',
          headers: ['x-drover-cron', '* * * * *'],
          caller: { kind: 'platform', id: 'cron' },
          hasBody: false,
        },
      },
    ]);
    await fixture.clock.advance(HOUR_MS);
    assert.equal(fixture.runs.length, 61);
    assert.deepEqual(fixture.told, []);
  });

  it('goes by seconds, days and time zones', async () => {
    await using fixture = new Fixture();
    fixture.cron.set(
      appWith('1.0.0', [
        { schedule: '*/30 * * * * *', path: '/half' },
        { schedule: '30 3 * * *', path: '/utc', method: 'GET' },
        { schedule: '30 3 * * *', path: '/berlin', timezone: 'Europe/Berlin' },
      ]),
    );
    await fixture.clock.advance(3 * HOUR_MS);
    const others = () => fixture.runs.filter((run) => !run.includes('half'));
    assert.deepEqual(others(), ['shop@1.0.0 POST http://drover.internal/berlin']);
    await fixture.clock.advance(HOUR_MS);
    assert.deepEqual(others().slice(1), ['shop@1.0.0 GET http://drover.internal/utc']);
    assert.equal(fixture.runs.length, 2 + 4 * 120);
  });

  it('skips what is due while the run before goes on, and counts it', async () => {
    await using fixture = new Fixture();
    const open: AnswerHandler[] = [];
    fixture.workers.answer = (handler) => void open.push(handler);
    fixture.cron.set(appWith('1.0.0', [EVERY_MINUTE]));
    await fixture.clock.advance(3 * MINUTE_MS);
    assert.equal(fixture.runs.length, 1);
    assert.deepEqual(fixture.told, [
      'shop@1.0.0 cron "* * * * *" POST /tick: a run was skipped, the one before still goes on (1)',
      'shop@1.0.0 cron "* * * * *" POST /tick: a run was skipped, the one before still goes on (2)',
    ]);
    open[0]?.onHead({ status: 204, headers: [] }, undefined);
    open[0]?.onEnd();
    await fixture.clock.advance(MINUTE_MS);
    assert.equal(fixture.runs.length, 2);
  });

  it('reads an answer to its end before it calls the run done', async () => {
    await using fixture = new Fixture();
    const open: AnswerHandler[] = [];
    let consumed = 0;
    fixture.workers.answer = (handler, exchange) => {
      exchange.consume = (count) => void (consumed += count);
      open.push(handler);
    };
    fixture.cron.set(appWith('1.0.0', [EVERY_MINUTE]));
    await fixture.clock.advance(MINUTE_MS);
    open[0]?.onHead({ status: 200, headers: [] }, undefined);
    for (let at = 0; at < 10; at += 1) open[0]?.onData(Buffer.alloc(10_000));
    assert.equal(consumed, 100_000);
    await fixture.clock.advance(MINUTE_MS);
    assert.equal(fixture.told.length, 1);
    open[0]?.onEnd();
    await fixture.clock.advance(MINUTE_MS);
    assert.equal(fixture.runs.length, 2);
  });

  it('tells of runs that fail, in words fit for the owner', async () => {
    await using fixture = new Fixture();
    const answers: ((handler: AnswerHandler) => void)[] = [
      (handler) => handler.onFail(new DroverError('unavailable', 'the queue is full')),
      (handler) => {
        handler.onHead({ status: 500, headers: [] }, new Uint8Array());
        handler.onEnd();
      },
    ];
    fixture.workers.answer = (handler) => answers.shift()?.(handler);
    fixture.cron.set(appWith('1.0.0', [EVERY_MINUTE]));
    await fixture.clock.advance(2 * MINUTE_MS);
    assert.deepEqual(fixture.told, [
      'shop@1.0.0 cron "* * * * *" POST /tick: a run failed: the queue is full',
      'shop@1.0.0 cron "* * * * *" POST /tick: a run was answered with status 500',
    ]);
  });

  it('calls the version that is current then, and no entry that it does not have', async () => {
    await using fixture = new Fixture();
    const other = { schedule: '* * * * *', path: '/other' };
    fixture.cron.set(appWith('1.0.0', [EVERY_MINUTE, other]));
    await fixture.clock.advance(30 * SECOND_MS);
    fixture.cron.set(appWith('1.1.0', [EVERY_MINUTE]));
    await fixture.clock.advance(30 * SECOND_MS);
    assert.deepEqual(fixture.runs, ['shop@1.1.0 POST http://drover.internal/tick']);
    fixture.cron.set(appWith('1.2.0', []));
    await fixture.clock.advance(HOUR_MS);
    assert.equal(fixture.runs.length, 1);
    assert.equal(fixture.clock.pendingTimers, 0);
  });

  it('does not let a new version overlap a run of the old', async () => {
    await using fixture = new Fixture();
    fixture.workers.answer = () => undefined;
    fixture.cron.set(appWith('1.0.0', [EVERY_MINUTE]));
    await fixture.clock.advance(MINUTE_MS);
    fixture.cron.set(appWith('1.1.0', [EVERY_MINUTE]));
    await fixture.clock.advance(MINUTE_MS);
    assert.equal(fixture.runs.length, 1);
    assert.match(fixture.told[0] ?? '', /^shop@1\.1\.0 .*skipped/);
  });

  it('runs late what the wall clock jumped over, and starts anew when it is set back', async () => {
    await using fixture = new Fixture();
    fixture.cron.set(appWith('1.0.0', [{ schedule: '@hourly', path: '/h' }]));
    fixture.clock.jumpWallClock(5 * HOUR_MS);
    await fixture.clock.advance(MINUTE_MS);
    assert.equal(fixture.runs.length, 1);
    fixture.clock.jumpWallClock(-5 * HOUR_MS);
    await fixture.clock.advance(HOUR_MS);
    assert.equal(fixture.runs.length, 2);
  });

  it('starts a crowd in groups, so that others have their turn', async () => {
    await using fixture = new Fixture();
    for (let at = 0; at < 120; at += 1) {
      fixture.cron.set(appWith('1.0.0', [{ schedule: '@daily', path: '/d' }], `app-${at}`));
    }
    await fixture.clock.advance(DAY_MS);
    assert.equal(fixture.runs.length, 50);
    await fixture.clock.advance(2);
    assert.equal(fixture.runs.length, 120);
  });

  it('gives up what runs when it is closed, and leaves no timer', async () => {
    await using fixture = new Fixture();
    let aborted = 0;
    fixture.workers.answer = (_handler, exchange) => {
      exchange.abort = () => void (aborted += 1);
    };
    fixture.cron.set(appWith('1.0.0', [EVERY_MINUTE]));
    await fixture.clock.advance(MINUTE_MS);
    await fixture.cron[Symbol.asyncDispose]();
    assert.equal(aborted, 1);
    assert.equal(fixture.clock.pendingTimers, 0);
    assert.deepEqual(fixture.told, []);
  });
});
