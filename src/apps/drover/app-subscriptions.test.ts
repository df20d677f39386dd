/** From an event to the app that listens to it, through the engine that serves webhooks. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silentLog } from '#kernel/log.ts';
import { DroverError } from '#kernel/errors.ts';
import { createAppEventFormat } from '#surfaces/apps/events/app-event-format.ts';
import { FakeSender, thresholdEvent } from '#test/webhook-fixture.ts';
import { WebhookEngineFixture } from '#test/webhook-engine-fixture.ts';
import type { App } from '#workers/apps/app.ts';
import { createAppVersion } from '#workers/apps/app-version.ts';
import { parseManifest } from '#workers/apps/manifest.ts';
import type { AnswerHandler, Exchange, RequestHead } from '#workers/exchange.ts';
import { AppSubscriptions } from './app-subscriptions.ts';
import { AppWebhookSender } from './app-webhook-sender.ts';

const POLICY = { grants: [], directories: [], maxMemoryBytes: 1e9, maxWorkers: 10 };
const RECORD = { deployedAt: 0, sizeBytes: 0, fileCount: 1 };
const EXCHANGE: Exchange = {
  write: () => true,
  end: () => undefined,
  consume: () => undefined,
  abort: () => undefined,
};

function appThatListens(on: unknown, version = '1.0.0'): App {
  const raw = { name: 'watcher', version, entrypoint: 'main.js', on };
  const current = createAppVersion(parseManifest(raw, POLICY), '/nowhere', RECORD);
  return { name: 'watcher', current, versions: [current] };
}

interface Posted {
  readonly head: Omit<RequestHead, 'hasBody'>;
  readonly body: Record<string, unknown>;
}

class Watched implements AsyncDisposable {
  readonly posted: Posted[] = [];
  readonly subscriptions: AppSubscriptions;
  apps: readonly App[] = [];
  /** How the app answers, one after the other; the last one again and again. */
  answers: (number | DroverError)[] = [204];
  readonly engine: WebhookEngineFixture;

  private constructor(engine: WebhookEngineFixture, format: string) {
    this.engine = engine;
    this.subscriptions = new AppSubscriptions({
      ...{ format, clock: engine.clock, log: silentLog },
      service: engine.service,
      apps: () => this.apps,
    });
  }

  static async open(apps: readonly App[]): Promise<Watched> {
    const format = createAppEventFormat('host-1');
    const engine = await WebhookEngineFixture.open();
    await engine.stop();
    await engine.start({
      formats: [format],
      sender: new AppWebhookSender({
        others: new FakeSender(),
        clock: engine.clock,
        begin: (name) => (head, body, handler) => {
          assert.equal(name, 'watcher');
          watched.answer(head, body, handler);
          return EXCHANGE;
        },
      }),
    });
    const watched = new Watched(engine, format.name);
    watched.apps = apps;
    await watched.subscriptions.sync();
    return watched;
  }

  answer(head: RequestHead, body: Uint8Array | undefined, handler: AnswerHandler): void {
    const parsed: unknown = JSON.parse(Buffer.from(body ?? []).toString());
    assert.ok(typeof parsed === 'object' && parsed !== null);
    this.posted.push({ head, body: { ...parsed } });
    const answer = (this.answers.length > 1 ? this.answers.shift() : this.answers[0]) ?? 204;
    queueMicrotask(() => {
      if (typeof answer === 'number') {
        handler.onHead({ status: answer, headers: [] }, undefined);
        handler.onEnd();
      } else handler.onFail(answer);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.subscriptions[Symbol.asyncDispose]();
    await this.engine[Symbol.asyncDispose]();
  }
}

describe('an app that listens to events', () => {
  it('is posted what it listens to, and nothing else', async () => {
    await using watched = await Watched.open([appThatListens(['threshold.violated'])]);
    await watched.engine.emit(
      thresholdEvent({ kind: 'threshold.resolved' }),
      thresholdEvent({ kind: 'threshold.violated', labels: { someLabel: 'kept' } }),
    );
    await watched.engine.until(() => watched.posted.length > 0);
    assert.equal(watched.posted.length, 1);
    const [{ head, body } = assert.fail()] = watched.posted;
    assert.equal(head.method, 'POST');
    assert.deepEqual(head.caller, { kind: 'platform', id: 'event' });
    assert.equal(body['type'], 'threshold.violated');
    const { data } = body;
    assert.ok(typeof data === 'object' && data !== null && 'rule_name' in data && 'labels' in data);
    assert.deepEqual(data.labels, { someLabel: 'kept' });
    assert.ok(head.headers.some((text) => /^msg_[0-9a-f]+_\d+$/.test(text)));
  });

  it('is posted it again when it failed, under the same id', async () => {
    await using watched = await Watched.open([appThatListens(['threshold.violated'])]);
    const crashed = new DroverError('unavailable', 'the worker ended', {});
    watched.answers = [500, crashed, 204];
    await watched.engine.emit(thresholdEvent({ kind: 'threshold.violated' }));
    await watched.engine.until(() => watched.posted.length === 3, 1000);
    const ids = watched.posted.map(
      ({ head }) => head.headers[head.headers.indexOf('webhook-id') + 1],
    );
    assert.equal(new Set(ids).size, 1);
  });

  it('is told from where it stands when a version comes that listens to more', async () => {
    await using watched = await Watched.open([appThatListens(['threshold.violated'])]);
    watched.apps = [appThatListens(['threshold.violated', 'threshold.resolved'], '2.0.0')];
    await watched.subscriptions.sync();
    await watched.engine.emit(thresholdEvent({ kind: 'threshold.resolved' }));
    await watched.engine.until(() => watched.posted.length === 1);
  });

  it('is told nothing when it is gone', async () => {
    await using watched = await Watched.open([appThatListens(['threshold.violated'])]);
    watched.apps = [];
    await watched.subscriptions.sync();
    const scope = { format: 'apps@host-1', customerId: undefined };
    assert.deepEqual(await watched.engine.service.list(scope), []);
  });
});
