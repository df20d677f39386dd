import assert from 'node:assert/strict';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import { SampleTable } from '#metrics/sample-table.ts';
import { createLogCapture } from '#test/log-capture.ts';
import { readWriteRequest } from '#test/write-request-reader.ts';
import type { Receiver } from './receiver.ts';
import { parseReceivers } from './receiver.ts';
import { RemoteWrite, type RemoteWriteOptions } from './remote-write.ts';
import type { ReceiverAnswer } from './send-outcome.ts';

const COUNTER = { name: 'ticks_total', help: 'Ticks.', kind: 'counter', scale: 0 } as const;
const OK: ReceiverAnswer = { status: 200, retryAfter: undefined, text: '' };
const START = Date.UTC(2026, 0, 1);

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drover-remote-write-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A receiver that keeps the numbers of the ticks it took, and answers what it is told. */
class FakeReceiver {
  readonly ticks: number[] = [];
  readonly sizes: number[] = [];
  requests = 0;
  answer: (ticks: readonly number[]) => ReceiverAnswer | Error = () => OK;

  take(body: Uint8Array): ReceiverAnswer {
    const samples = readWriteRequest(body).flatMap((series) => series.samples);
    const ticks = [...new Set(samples.map(({ atMs }) => (atMs - START) / 1000))];
    this.requests += 1;
    this.sizes.push(samples.length);
    const answer = this.answer(ticks);
    if (answer instanceof Error) throw answer;
    if (answer.status === 200) this.ticks.push(...ticks);
    return answer;
  }
}

function setUp(names: readonly string[] = ['a'], options: Partial<RemoteWriteOptions> = {}) {
  const clock = new FakeClock(START);
  const logged = createLogCapture();
  const metrics = new MetricsRegistry();
  const table = new SampleTable();
  const receivers = new Map(names.map((name) => [name, new FakeReceiver()]));
  const remote = new RemoteWrite({
    directory,
    receivers: parseReceivers(
      names.map((name) => ({
        name,
        url: `http://${name}/write`,
        ...(name === 'k' && { keep: 't.*l' }),
      })),
      'receivers',
    ),
    commonLabels: { job: 'drover' },
    clock,
    log: logged.log,
    metrics,
    send: async ({ name }: Receiver, body) => {
      const receiver = receivers.get(name);
      if (receiver === undefined) throw new Error('no such receiver');
      return receiver.take(body);
    },
    ...options,
  });
  const write = (first: number, end: number) => {
    for (let tick = first; tick < end; tick += 1) {
      table.family(COUNTER).series().set(tick);
      table.endTick();
      remote.onTick({ atMs: START + tick * 1000 }, table);
    }
  };
  const receiver = (name = 'a'): FakeReceiver => {
    const found = receivers.get(name);
    if (found === undefined) throw new Error(`no receiver ${name}`);
    return found;
  };
  return { clock, logged, metrics, table, remote, write, receiver };
}

function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, at) => first + at);
}

function segments(): string[] {
  return readdirSync(directory).filter((name) => name.startsWith('queue-'));
}

describe('RemoteWrite', () => {
  it('waits for samples to go together, but not for longer than it was told', async () => {
    const { clock, remote, write, receiver } = setUp();
    await using _remote = remote;
    write(0, 3);
    await clock.advance(4999);
    assert.equal(receiver().requests, 0);
    await clock.advance(1);
    assert.deepEqual(receiver().ticks, [0, 1, 2]);
    assert.equal(receiver().requests, 1);
    assert.equal(remote.health().receivers[0]?.pendingSamples, 0);
  });

  it('sends at once when there is enough, in requests of no more than that', async () => {
    const { clock, remote, write, receiver } = setUp(['a'], { maxSamplesPerRequest: 10 });
    await using _remote = remote;
    write(0, 25);
    await clock.advance(0);
    assert.deepEqual(receiver().sizes, [10, 10]);
    await clock.advance(5000);
    assert.deepEqual(receiver().ticks, range(0, 25));
  });

  for (const failure of [
    { ...OK, status: 500 },
    { ...OK, status: 503 },
    { ...OK, status: 429 },
    { ...OK, status: 302 },
    new Error('connection refused'),
  ]) {
    const what = failure instanceof Error ? failure.message : `an answer ${failure.status}`;
    it(`tries again after ${what}, and loses nothing`, async () => {
      const { clock, remote, write, receiver, logged } = setUp();
      await using _remote = remote;
      receiver().answer = () => failure;
      write(0, 5);
      await clock.advance(120_000);
      assert.ok(receiver().requests > 4 && receiver().requests < 20, `${receiver().requests}`);
      write(5, 9);
      assert.equal(remote.health().receivers[0]?.pendingSamples, 9);
      assert.notEqual(remote.health().receivers[0]?.problem, undefined);
      receiver().answer = () => OK;
      await clock.advance(40_000);
      assert.deepEqual(receiver().ticks, range(0, 9));
      assert.equal(remote.health().receivers[0]?.problem, undefined);
      const warnings = logged.records().filter(({ level }) => level === 'warn' || level === 40);
      assert.equal(warnings.length, 1);
    });
  }

  it('waits as long as Retry-After says, in seconds or as a date', async () => {
    for (const retryAfter of ['100', new Date(START + 5000 + 100_000).toUTCString()]) {
      const { clock, remote, write, receiver } = setUp();
      receiver().answer = () => ({ status: 429, retryAfter, text: '' });
      write(0, 1);
      await clock.advance(5000);
      receiver().answer = () => OK;
      await clock.advance(98_999);
      assert.equal(receiver().requests, 1);
      await clock.advance(1001);
      assert.equal(receiver().requests, 2);
      await remote[Symbol.asyncDispose]();
      rmSync(join(directory, 'receiver-a.position'));
    }
  });

  it('gives up what is refused, counts and logs it, and goes on', async () => {
    const { clock, remote, write, receiver, metrics, logged } = setUp();
    await using _remote = remote;
    receiver().answer = () => ({ status: 403, retryAfter: undefined, text: 'who are you?' });
    write(0, 3);
    await clock.advance(5000);
    assert.equal(receiver().requests, 1);
    receiver().answer = () => OK;
    write(3, 5);
    await clock.advance(5000);
    assert.deepEqual(receiver().ticks, [3, 4]);
    const exposed = metrics.expose();
    assert.match(exposed, /samples_total\{receiver="a",result="refused"\} 3\n/);
    assert.match(exposed, /samples_total\{receiver="a",result="sent"\} 2\n/);
    assert.match(exposed, /requests_total\{receiver="a",answer="4xx"\} 1\n/);
    assert.match(logged.text(), /who are you\?/);
  });

  it('finds what a receiver lacks in a batch that it refuses for what it has', async () => {
    const { clock, remote, write, receiver } = setUp();
    await using _remote = remote;
    receiver().answer = (ticks) => (ticks.some((at) => at < 37) ? { ...OK, status: 400 } : OK);
    write(0, 100);
    await clock.advance(5000);
    assert.deepEqual(receiver().ticks, range(37, 100));
  });

  it('does not divide the next batch for a receiver that refuses everything', async () => {
    const { clock, remote, write, receiver } = setUp();
    await using _remote = remote;
    receiver().answer = () => ({ ...OK, status: 400 });
    write(0, 4);
    await clock.advance(5000);
    assert.equal(receiver().requests, 7);
    write(4, 8);
    await clock.advance(5000);
    assert.equal(receiver().requests, 8);
  });

  it('keeps a receiver that is away from holding up another', async () => {
    const { clock, remote, write, receiver } = setUp(['a', 'b']);
    await using _remote = remote;
    receiver('a').answer = () => new Error('away');
    write(0, 10);
    await clock.advance(10_000);
    assert.deepEqual(receiver('b').ticks, range(0, 10));
    receiver('a').answer = () => OK;
    await clock.advance(30_000);
    assert.deepEqual(receiver('a').ticks, range(0, 10));
  });

  it('sends only the metrics that a receiver is to have', async () => {
    const { clock, remote, write, table, receiver } = setUp(['a', 'k']);
    await using _remote = remote;
    write(0, 1);
    await clock.advance(5000);
    assert.equal(receiver('k').requests, 1);
    const other = { name: 'other', help: 'Other.', kind: 'gauge', scale: 0 } as const;
    table.family(other).series().set(1);
    table.endTick();
    remote.onTick({ atMs: START + 1000 }, table);
    await clock.advance(5000);
    assert.equal(receiver('a').sizes.at(-1), 2);
    // The end of `ticks_total`, and not `other`.
    assert.equal(receiver('k').sizes.at(-1), 1);
  });

  it('sends what is left when it is stopped, and keeps what it cannot', async () => {
    const first = setUp();
    first.write(0, 5);
    await first.remote[Symbol.asyncDispose]();
    assert.deepEqual(first.receiver().ticks, range(0, 5));

    const second = setUp();
    second.receiver().answer = () => new Error('away');
    second.write(5, 8);
    await second.remote[Symbol.asyncDispose]();
    assert.equal(second.receiver().requests, 1);

    const third = setUp();
    await using _third = third.remote;
    third.write(8, 10);
    await third.clock.advance(10_000);
    assert.deepEqual(third.receiver().ticks, range(5, 10));
  });

  it('gives up a request that hangs when its time is over', async () => {
    let aborted = 0;
    const { clock, remote, write } = setUp(['a'], {
      send: (_receiver, _body, signal) => {
        const { promise, reject } = Promise.withResolvers<ReceiverAnswer>();
        signal.addEventListener('abort', () => {
          aborted += 1;
          reject(signal.reason as Error);
        });
        return promise;
      },
    });
    write(0, 1);
    await clock.advance(35_000);
    assert.equal(aborted, 1);
    assert.match(remote.health().receivers[0]?.problem ?? '', /30000 ms/);
    const disposed = remote[Symbol.asyncDispose]();
    await clock.advance(3000);
    await disposed;
  });

  it('starts a new receiver with what comes', async () => {
    const before = setUp(['a']);
    before.receiver().answer = () => new Error('away');
    before.write(0, 5);
    await before.remote[Symbol.asyncDispose]();

    const after = setUp(['a', 'b']);
    await using _after = after.remote;
    after.write(5, 7);
    await after.clock.advance(10_000);
    assert.deepEqual(after.receiver('a').ticks, range(0, 7));
    assert.deepEqual(after.receiver('b').ticks, [5, 6]);
  });
});

describe('the queue of remote write', () => {
  it('deletes what every receiver has', async () => {
    const { clock, remote, write } = setUp(['a', 'b'], { maxQueueBytes: 64 * 200 });
    await using _remote = remote;
    write(0, 200);
    assert.ok(segments().length > 5);
    await clock.advance(10_000);
    assert.equal(segments().length, 1);
  });

  it('keeps to its size, drops the oldest first, and says how much', async () => {
    const { clock, remote, write, receiver, metrics, logged } = setUp(['a'], {
      maxQueueBytes: 20_000,
    });
    await using _remote = remote;
    receiver().answer = () => new Error('away');
    write(0, 3000);
    await clock.advance(5000);
    assert.ok(remote.health().queueBytes <= 20_000);
    receiver().answer = () => OK;
    await clock.advance(60_000);
    const [first = 0] = receiver().ticks.filter((at) => at > 200);
    assert.ok(first > 1000);
    assert.deepEqual(receiver().ticks.slice(-100), range(2900, 3000));
    const dropped = /result="dropped"\} (\d+)/.exec(metrics.expose())?.[1];
    assert.equal(Number(dropped) + receiver().ticks.length, 3000);
    assert.match(logged.text(), /drops its oldest segment/);
  });

  it('keeps to its age', async () => {
    const { remote, write, receiver } = setUp(['a'], { maxQueueAgeMs: 600_000 });
    await using _remote = remote;
    receiver().answer = () => new Error('away');
    write(0, 2000);
    const pending = remote.health().receivers[0]?.pendingSamples ?? 0;
    assert.ok(pending > 590 && pending < 630, `${pending}`);
  });

  it('cuts off what a killed process left unfinished', async () => {
    const killed = setUp();
    killed.receiver().answer = () => new Error('away');
    killed.write(0, 10);
    const path = join(directory, segments()[0] ?? '');
    const whole = readFileSync(path);
    await killed.remote[Symbol.asyncDispose]();
    for (const cut of [1, 5, 9]) {
      writeFileSync(path, whole.subarray(0, whole.length - cut));
      const next = setUp();
      next.receiver().answer = () => new Error('away');
      assert.equal(next.remote.health().receivers[0]?.pendingSamples, 9, `cut by ${cut}`);
      await next.remote[Symbol.asyncDispose]();
    }
  });

  it('loses the rest of a damaged segment and nothing else, and starts', async () => {
    const before = setUp(['a'], { maxQueueAgeMs: 640_000 });
    before.receiver().answer = () => new Error('away');
    before.write(0, 40);
    await before.remote[Symbol.asyncDispose]();
    const [, middle = ''] = segments();
    const path = join(directory, middle);
    const bytes = readFileSync(path);
    bytes[150] = (bytes[150] ?? 0) ^ 0xff;
    writeFileSync(path, bytes);

    const after = setUp(['a'], { maxQueueAgeMs: 640_000 });
    await using _after = after.remote;
    after.write(40, 45);
    await after.clock.advance(10_000);
    const { ticks } = after.receiver();
    const lost = range(0, 45).filter((at) => !ticks.includes(at));
    assert.ok(lost.length > 0 && lost.length <= 10, `lost ${lost.join()}`);
    assert.ok(
      lost.every((at) => at >= 10 && at < 20),
      `lost ${lost.join()}`,
    );
    assert.match(after.metrics.expose(), /corrupt_segments 1\n/);
    assert.match(after.metrics.expose(), new RegExp(`result="dropped"\\} ${lost.length}\n`));
  });

  it('starts over whatever is in its directory', async () => {
    writeFileSync(join(directory, 'queue-0000000001'), 'this is no segment of ours');
    writeFileSync(join(directory, 'queue-0000000002'), '');
    writeFileSync(join(directory, 'receiver-a.position'), 'nor is this a position');
    writeFileSync(join(directory, 'receiver-old.position'), 'of one that is no more');
    const { clock, remote, write, receiver } = setUp();
    await using _remote = remote;
    write(0, 3);
    await clock.advance(5000);
    assert.deepEqual(receiver().ticks, [0, 1, 2]);
    assert.ok(!readdirSync(directory).includes('receiver-old.position'));
  });

  it('goes on when its files are cut short or deleted under it', async () => {
    const { clock, remote, write, receiver } = setUp(['a'], { maxQueueAgeMs: 640_000 });
    await using _remote = remote;
    receiver().answer = () => new Error('away');
    write(0, 40);
    await clock.advance(5000);
    const [first = '', second = '', third = ''] = segments();
    assert.notEqual(third, '');
    truncateSync(join(directory, first), 100);
    rmSync(join(directory, second));
    receiver().answer = () => OK;
    write(40, 45);
    await clock.advance(40_000);
    assert.deepEqual(receiver().ticks.slice(-25), range(20, 45));
  });
});
