/** How `drover up` goes while apps are asked: by SIGTERM, and by kill -9. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SECOND_MS } from '#kernel/units.ts';
import { PoolClient, type PoolAnswer } from '#test/pool-client.ts';
import { PoolHost } from '#test/pool-host.ts';
import { until } from '#test/until.ts';

const DRAIN_MS = 4 * SECOND_MS;
/** For what the platform itself had asked of apps, their hooks, and the stores. */
const SLACK_MS = 5 * SECOND_MS;
const FLAGS = ['--drain-ms', `${DRAIN_MS}`];

type Ending = PoolAnswer | 'refused' | 'cut';

/** Asks until the server takes no more; every answer, and how it ended for each client. */
async function load(client: PoolClient, path: string, answers: PoolAnswer[]): Promise<Ending> {
  for (;;) {
    try {
      const answer = await client.ask(path);
      answers.push(answer);
      if (answer.status !== 200) return answer;
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException;
      if (code === 'ECONNREFUSED') return 'refused';
      if (code === 'ECONNRESET') return 'cut';
      throw thrown;
    }
  }
}

async function inFlight(client: PoolClient, app: string): Promise<number> {
  return (await client.live(app)).reduce((sum, worker) => sum + worker.inFlight, 0);
}

describe('drover up with apps', () => {
  it('finishes at SIGTERM what is under way, refuses the rest and leaves no process', async (t) => {
    await using host = await PoolHost.open(FLAGS);
    const server = await host.up();
    using client = new PoolClient(server.readyUrl);
    for (const name of ['shop', 'slow']) {
      await client.deploy({ app: 'busy', name, manifest: { max_workers: 2, concurrency: 8 } });
      await client.ask(`/apps/${name}/`);
    }
    const answers: PoolAnswer[] = [];
    const clients = Array.from({ length: 8 }, () => load(client, '/apps/shop/?ms=20', answers));
    const slow = Array.from({ length: 5 }, (_, id) => client.ask(`/apps/slow/?ms=2000&id=${id}`));
    await until(
      async () =>
        answers.length > 100 && (await inFlight(client, 'slow')) === 5 ? true : undefined,
      'load',
    );
    assert.ok((await host.members()).length >= 2);
    const before = answers.length;
    const startedAt = performance.now();
    const exiting = server.end('SIGTERM');
    for (const [id, answer] of (await Promise.all(slow)).entries()) {
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.json.id, `${id}`);
    }
    const endings = await Promise.all(clients);
    assert.deepEqual(await exiting, { code: 0, signal: null }, server.log);
    const tookMs = performance.now() - startedAt;
    t.diagnostic(`${tookMs} ms, ${before} answers before and ${answers.length - before} after`);
    assert.ok(tookMs < DRAIN_MS + SLACK_MS, `it took ${tookMs} ms`);
    assert.deepEqual(await host.members(), []);
    for (const ending of endings) {
      if (typeof ending === 'string') continue;
      assert.equal(ending.status, 503, ending.text);
      assert.equal(ending.reason, 'SHUTTING_DOWN');
    }
    const answered = answers.filter(({ status }) => status === 200);
    assert.ok(answers.length - answered.length <= clients.length);
  });

  it('ends within its time whatever its workers do', async (t) => {
    await using host = await PoolHost.open(FLAGS);
    const server = await host.up();
    using client = new PoolClient(server.readyUrl);
    await client.deploy({ app: 'loop', name: 'loops', manifest: { request_timeout: '10m' } });
    await client.deploy({ app: 'busy', name: 'slow', manifest: { request_timeout: '10m' } });
    const cron = [{ schedule: '* * * * * *', path: '/?ms=600000' }];
    const manifest = { request_timeout: '10m', cron };
    await client.deploy({ app: 'busy', name: 'by-the-clock', manifest });
    const lost = Promise.allSettled([
      client.ask('/apps/loops/loop'),
      client.ask('/apps/slow/?ms=600000'),
    ]);
    await until(
      async () =>
        (await inFlight(client, 'loops')) > 0 &&
        (await inFlight(client, 'slow')) > 0 &&
        (await inFlight(client, 'by-the-clock')) > 0
          ? true
          : undefined,
      'all of them at work',
    );
    const startedAt = performance.now();
    const exit = await server.end('SIGTERM');
    const tookMs = performance.now() - startedAt;
    t.diagnostic(`${tookMs} ms`);
    assert.deepEqual(exit, { code: 0, signal: null }, server.log);
    assert.ok(tookMs < DRAIN_MS + SLACK_MS, `it took ${tookMs} ms`);
    assert.deepEqual(await host.members(), []);
    for (const { status } of await lost) assert.equal(status, 'rejected');
  });

  it('leaves no worker behind when it is killed, and has its apps again after', async () => {
    await using host = await PoolHost.open(FLAGS);
    const killed = await host.up();
    {
      using client = new PoolClient(killed.readyUrl);
      await client.deploy({ app: 'busy', name: 'shop' });
      await client.deploy({ app: 'busy', name: 'shop', version: '1.1.0' });
      await client.deploy({ app: 'loop', name: 'loops', manifest: { request_timeout: '10m' } });
      const lost = Promise.allSettled([
        client.ask('/apps/loops/loop'),
        client.ask('/apps/shop/?ms=60000'),
      ]);
      await until(
        async () =>
          (await inFlight(client, 'loops')) > 0 && (await inFlight(client, 'shop')) > 0
            ? true
            : undefined,
        'work in both',
      );
      assert.ok((await host.members()).length >= 2);
      await killed.end('SIGKILL');
      for (const { status } of await lost) assert.equal(status, 'rejected');
    }
    await until(
      async () => ((await host.members()).length === 0 ? true : undefined),
      'the workers to be gone',
    );
    const server = await host.up();
    using client = new PoolClient(server.readyUrl);
    assert.equal((await client.ask('/apps/shop/')).json.version, '1.1.0');
    assert.equal((await client.ask('/apps/shop@1.0.0/')).json.version, '1.0.0');
    assert.match((await client.ask('/apps/loops/')).text, /^pid \d+$/);
    assert.deepEqual(await server.end('SIGTERM'), { code: 0, signal: null });
    assert.deepEqual(await host.members(), []);
  });
});
