/** Deploys under load: whoever asks while a version takes over from another does not notice. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openTestServer } from '#test/drover-server.ts';
import { PoolClient, type PoolAnswer } from '#test/pool-client.ts';
import { until } from '#test/until.ts';

const DEPLOYS = 10;
const CLIENTS = 8;
/** Of each version, before the next one comes. */
const ANSWERS_OF_EACH = 150;
const MANIFEST = { concurrency: 4, max_workers: 2, queue_timeout: '40s' };

/** Asks without a pause, until told to stop. */
class Load {
  readonly answers = new Map<string, number>();
  readonly failures: PoolAnswer[] = [];
  readonly #client: PoolClient;
  readonly #asking: Promise<unknown>;
  #count = 0;
  #isOver = false;

  constructor(client: PoolClient) {
    this.#client = client;
    this.#asking = Promise.all(Array.from({ length: CLIENTS }, () => this.#ask()));
    this.#asking.catch(() => undefined);
  }

  async #ask(): Promise<void> {
    while (!this.#isOver) {
      this.#count += 1;
      const id = `${this.#count}`;
      const answer = await this.#client.ask(`/apps/shop/?id=${id}&ms=${this.#count % 20}`);
      const { version } = answer.json;
      if (answer.status !== 200 || answer.json.id !== id) this.failures.push(answer);
      else this.answers.set(version, (this.answers.get(version) ?? 0) + 1);
    }
  }

  async answered(version: string, count: number): Promise<void> {
    await until(
      () => ((this.answers.get(version) ?? 0) >= count ? true : undefined),
      `${count} answers of ${version}`,
    );
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#asking;
  }
}

describe('a deploy under load', () => {
  it('fails no request, and the version before it goes', async (t) => {
    await using server = await openTestServer({ workers: { size: 20, warm: 1 } });
    using client = new PoolClient(server.url);
    const app = { app: 'busy', name: 'shop', manifest: MANIFEST };
    await client.deploy(app);
    const load = new Load(client);
    try {
      await load.answered('1.0.0', ANSWERS_OF_EACH);
      for (let number = 1; number <= DEPLOYS; number += 1) {
        const version = `1.0.${number}`;
        await client.deploy({ ...app, version });
        const { json } = await client.ask('/apps/shop/');
        assert.equal(json.version, version, 'from now on the new version answers');
        await load.answered(version, ANSWERS_OF_EACH);
      }
    } finally {
      await load.end();
    }
    assert.deepEqual(load.failures, []);
    assert.equal(load.answers.size, DEPLOYS + 1);
    t.diagnostic([...load.answers].map(([version, count]) => `${version}: ${count}`).join(', '));
    const left = await until(async () => {
      const workers = await client.live('shop');
      return workers.every((it) => it.app === `shop@1.0.${DEPLOYS}`) ? workers : undefined;
    }, 'the workers of old versions to go');
    assert.ok(left.length > 0);
    const { workers } = await client.stats();
    const ended = workers.filter((it) => it.app === 'shop@1.0.0' && it.state === 'terminated');
    assert.ok(ended.length > 0);
    for (const { endReason } of ended) assert.equal(endReason, 'removed');
    for (const { pid } of ended) assert.ok(pid === null || !isAlive(pid), `${pid} is left`);
  });

  it('leaves old versions to those who name them', async () => {
    await using server = await openTestServer({ workers: { size: 20, warm: 1 } });
    using client = new PoolClient(server.url);
    for (const version of ['1.0.0', '1.1.0', '2.0.0']) {
      await client.deploy({ app: 'busy', name: 'shop', version });
    }
    const answering = async (spec: string) => (await client.ask(`/apps/${spec}/`)).json.version;
    assert.equal(await answering('shop'), '2.0.0');
    assert.equal(await answering('shop@1'), '1.1.0');
    assert.equal(await answering('shop@1.0.0'), '1.0.0');
    assert.equal(await client.rollback('shop'), '1.1.0');
    assert.equal(await answering('shop'), '1.1.0');
    assert.equal(await answering('shop@2.0.0'), '2.0.0');
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
