/** Hundreds of MiB through an app and back: as they come, and never much of them in memory. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, it } from 'node:test';
import { systemClock } from '#kernel/clock.ts';
import { randomHex } from '#kernel/random.ts';
import { GIB, MIB } from '#kernel/units.ts';
import { PoolClient } from '#test/pool-client.ts';
import { PoolHost } from '#test/pool-host.ts';
import { until } from '#test/until.ts';
import { IS_WHOLE } from '#test/whole.ts';

/** Many times what may be held; the gigabyte takes most of a minute. */
const BODY_BYTES = IS_WHOLE ? GIB : 384 * MIB;
const CHUNK_BYTES = 256 * 1024;
const MOST_GROWTH = 100 * MIB;
const LOOK_EVERY_MS = 100;
/** Long enough for far more to pile up, if whoever sends did not have to wait for who reads. */
const PAUSE_MS = 3000;

/** So much, of chunks that differ, with what they hash to. */
function* body(byteCount: number, sent: ReturnType<typeof createHash>): Generator<Buffer> {
  const chunk = Buffer.alloc(CHUNK_BYTES, randomHex(1000));
  for (let at = 0; at < byteCount; at += CHUNK_BYTES) {
    const next = Buffer.from(chunk);
    next.writeDoubleLE(at, 0);
    sent.update(next);
    yield next;
  }
}

/** What went out and what came back; half way through nobody reads for a while. */
async function sendThrough(url: string, byteCount: number) {
  const sent = createHash('sha1');
  const received = createHash('sha1');
  let receivedBytes = 0;
  let pauseAt = byteCount / 2;
  const request = httpRequest(url, { method: 'POST', agent: false });
  const sending = pipeline(Readable.from(body(byteCount, sent)), request);
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  assert.equal(answer.statusCode, 200);
  for await (const bytes of answer as AsyncIterable<Buffer>) {
    received.update(bytes);
    receivedBytes += bytes.length;
    if (receivedBytes > pauseAt) {
      pauseAt = Infinity;
      await systemClock.sleep(PAUSE_MS);
    }
  }
  await sending;
  return { sent: sent.digest('hex'), received: received.digest('hex'), receivedBytes };
}

async function rssOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** The most that a process takes while something goes on. */
class MemoryPeak implements AsyncDisposable {
  readonly #pid: number;
  readonly #looking: Promise<void>;
  #isOver = false;
  bytes = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#looking = this.#look();
    this.#looking.catch(() => undefined);
  }

  async #look(): Promise<void> {
    while (!this.#isOver) {
      this.bytes = Math.max(this.bytes, await rssOf(this.#pid));
      await systemClock.sleep(LOOK_EVERY_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#looking;
  }
}

describe('a body of hundreds of megabytes', () => {
  it('comes back from an app as it was, with flat memory', async (t) => {
    await using host = await PoolHost.open();
    const server = await host.up();
    using client = new PoolClient(server.readyUrl);
    const manifest = { max_workers: 1, request_timeout: '10m', max_memory: '512MiB' };
    await client.deploy({ app: 'echo', name: 'echo', manifest });
    const url = `${server.readyUrl}/apps/echo/`;
    // What is compiled and allocated once is none of its growth.
    await sendThrough(url, 64 * MIB);
    const [worker] = await until(async () => {
      const workers = await client.live('echo');
      return workers.some(({ pid }) => pid !== null) ? workers : undefined;
    }, 'the worker');
    const pids = { server: server.pid, worker: worker?.pid ?? 0 };
    const before = { server: await rssOf(pids.server), worker: await rssOf(pids.worker) };
    const startedAt = performance.now();
    const peaks = { server: new MemoryPeak(pids.server), worker: new MemoryPeak(pids.worker) };
    let through;
    {
      await using _server = peaks.server;
      await using _worker = peaks.worker;
      through = await sendThrough(url, BODY_BYTES);
    }
    assert.equal(through.receivedBytes, BODY_BYTES);
    assert.equal(through.received, through.sent);
    for (const who of ['server', 'worker'] as const) {
      const growth = peaks[who].bytes - before[who];
      t.diagnostic(`${who}: ${Math.round(before[who] / MIB)} MiB, and ${growth / MIB} MiB more`);
      assert.ok(growth < MOST_GROWTH, `the ${who} took ${growth} bytes more`);
    }
    t.diagnostic(`${Math.round(performance.now() - startedAt)} ms`);
  });
});
