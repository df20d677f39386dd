/** What becomes of a request when its worker is killed, loops, takes too much or does not start. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '#kernel/clock.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';
import { PoolClient, type PoolAnswer } from '#test/pool-client.ts';
import { until } from '#test/until.ts';

let server: TestServer;
let client: PoolClient;

before(async () => {
  server = await openTestServer({ workers: { size: 20, warm: 1 } });
  client = new PoolClient(server.url);
  await client.deploy({ app: 'busy', name: 'bystander' });
  await client.ask('/apps/bystander/');
});

after(async () => {
  client[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

function assertRefused(answer: PoolAnswer, reason: string): void {
  assert.equal(answer.status, 503, answer.text);
  assert.equal(answer.reason, reason);
  assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/);
}

async function pidAtWork(app: string): Promise<number> {
  return await until(async () => {
    const [worker] = (await client.live(app)).filter(({ state }) => state === 'active');
    return worker?.pid ?? undefined;
  }, `a worker of ${app} to be at work`);
}

async function endOf(app: string, pid: number): Promise<string | null> {
  const { workers } = await client.stats();
  return workers.find((it) => it.app === `${app}@1.0.0` && it.pid === pid)?.endReason ?? null;
}

async function assertGone(pid: number): Promise<void> {
  await until(() => {
    try {
      process.kill(pid, 0);
      return undefined;
    } catch {
      return true;
    }
  }, `${pid} to be gone`);
}

describe('a worker that is killed in the middle of a request', () => {
  it('fails that request at once, and not the next', async () => {
    await client.deploy({ app: 'busy', name: 'killed' });
    const asking = client.ask('/apps/killed/?ms=30000');
    const pid = await pidAtWork('killed');
    const killedAt = performance.now();
    process.kill(pid, 'SIGKILL');
    assertRefused(await asking, 'WORKER_CRASHED');
    assert.ok(performance.now() - killedAt < 2000, 'it did not wait for a limit of time');
    const next = await client.ask('/apps/killed/?id=next');
    assert.equal(next.json.id, 'next');
    assert.notEqual(next.json.pid, pid);
    assert.equal(await endOf('killed', pid), 'crashed');
    const { text } = await client.read('/api/v1/apps/killed/logs');
    assert.match(text, /a worker ended by itself: it was ended by SIGKILL/);
  });

  it('cuts an answer short that has begun, so that nobody takes it for whole', async () => {
    await client.deploy({ app: 'streaming', name: 'cut', manifest: { max_workers: 1 } });
    const response = await fetch(`${server.url}/apps/cut/endless`);
    assert.equal(response.status, 200);
    process.kill(await pidAtWork('cut'), 'SIGKILL');
    await assert.rejects(response.arrayBuffer(), TypeError);
    assert.equal((await client.ask('/apps/cut/state')).status, 200);
  });
});

describe('an endless loop', () => {
  it('is ended after the request timeout, and nobody else notices', async () => {
    const manifest = { request_timeout: '1s', max_workers: 1 };
    await client.deploy({ app: 'loop', name: 'loops', manifest });
    assert.equal((await client.ask('/apps/loops/')).status, 200);
    const looping = client.ask('/apps/loops/loop');
    const pid = await pidAtWork('loops');
    for (let asked = 0; asked < 20; asked += 1) {
      const other = await client.ask('/apps/bystander/');
      assert.equal(other.status, 200);
      assert.ok(other.tookMs < 1000, 'others are not held up');
    }
    const answer = await looping;
    assert.equal(answer.status, 504, answer.text);
    assert.equal(answer.reason, 'REQUEST_TIMEOUT');
    assert.ok(answer.tookMs >= 1000 && answer.tookMs < 5000, `after ${answer.tookMs} ms`);
    await assertGone(pid);
    assert.equal(await endOf('loops', pid), 'timeout');
    const next = await client.ask('/apps/loops/');
    assert.equal(next.status, 200);
    assert.notEqual(next.text, `pid ${pid}`);
  });
});

describe('a memory hog', () => {
  for (const [what, path] of [
    ['outside of the heap', '/buffers?mib=400'],
    ['in the heap', '/heap?mib=400'],
  ]) {
    it(`is ended when it takes too much ${what}`, async () => {
      const name = `hog-${what?.length}`;
      // It keeps what it took, and goes on for long enough for somebody to look.
      const manifest = { max_memory: '128MiB', request_timeout: '20s' };
      await client.deploy({ app: { source: HOG }, name, manifest });
      const answer = await client.ask(`/apps/${name}${path}`);
      assertRefused(answer, 'WORKER_OUT_OF_MEMORY');
      assert.equal((await client.ask(`/apps/${name}/`)).status, 200);
      assert.equal((await client.ask('/apps/bystander/')).status, 200);
    });
  }
});

const HOG = `
const kept = [];
export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    for (let mib = 0; mib < Number(searchParams.get('mib')); mib += 1) {
      if (pathname === '/buffers') kept.push(new Uint8Array(1024 * 1024).fill(1));
      else kept.push(Array.from({ length: 1024 * 128 }, (_, at) => at + 0.5));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return new Response('took it all');
  },
};
`;

describe('an app that dies at its start', () => {
  it('is called failing, with why, is started less and less often, and heals', async () => {
    const broken = { source: "throw new Error('the settings are missing');" };
    await client.deploy({ app: broken, name: 'broken' });
    const first = await client.ask('/apps/broken/');
    assertRefused(first, 'APP_FAILING');
    assert.match(first.json.message, /the settings are missing/);
    const second = await client.ask('/apps/broken/');
    assertRefused(second, 'APP_FAILING');
    assert.ok(second.tookMs < 2000, 'nobody waits for a start that is not made');
    const failing = async () => (await client.read('/api/v1/apps/broken')).json.failing;
    assert.equal((await failing()).attempts, 1);
    await systemClock.sleep(1000 * Number(second.headers['retry-after']));
    assertRefused(await client.ask('/apps/broken/'), 'APP_FAILING');
    const told = await failing();
    assert.equal(told.attempts, 2);
    assert.match(told.message, /the settings are missing/);
    const { text } = await client.read('/api/v1/apps/broken/logs');
    assert.match(text, /the app does not start: [^\n]*the settings are missing/);
    await client.deploy({ app: 'hello', name: 'broken', version: '1.0.1' });
    assert.equal((await client.ask('/apps/broken/')).text, 'hello from /');
    assert.equal(await failing(), null);
  });

  it('is told of its exit, too', async () => {
    await client.deploy({ app: { source: 'process.exit(7);' }, name: 'exiting' });
    const answer = await client.ask('/apps/exiting/');
    assertRefused(answer, 'APP_FAILING');
    assert.match(answer.json.message, /code 7/);
  });
});

describe('a queue that is full', () => {
  it('refuses what comes beyond, and answers what waits', async () => {
    const manifest = { concurrency: 1, max_workers: 1, queue_limit: 3 };
    await client.deploy({ app: 'busy', name: 'queue', manifest });
    await client.ask('/apps/queue/');
    const asking = Array.from({ length: 10 }, (_, id) =>
      client.ask(`/apps/queue/?ms=500&id=${id}`),
    );
    const answers = await Promise.all(asking);
    const refused = answers.filter(({ status }) => status !== 200);
    const firstMs = Math.min(...answers.filter((it) => it.status === 200).map((it) => it.tookMs));
    assert.equal(refused.length, 10 - 1 - 3);
    for (const answer of refused) {
      assertRefused(answer, 'QUEUE_FULL');
      assert.ok(answer.tookMs < firstMs, 'a refusal does not wait');
    }
  });

  it('lets nobody wait for longer than its limit', async () => {
    const manifest = { concurrency: 1, max_workers: 1, queue_timeout: '200ms' };
    await client.deploy({ app: 'busy', name: 'waiting', manifest });
    await client.ask('/apps/waiting/');
    const long = client.ask('/apps/waiting/?ms=1000&id=long');
    await pidAtWork('waiting');
    assertRefused(await client.ask('/apps/waiting/'), 'QUEUE_TIMEOUT');
    assert.equal((await long).json.id, 'long');
  });
});
