/** Far more apps than there may be workers: every one is served, and never by too many at once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomFraction } from '#kernel/random.ts';
import { openTestServer } from '#test/drover-server.ts';
import { PoolClient } from '#test/pool-client.ts';
import { PoolWatch } from '#test/pool-watch.ts';
import { IS_WHOLE } from '#test/whole.ts';

const APPS = Array.from({ length: IS_WHOLE ? 200 : 60 }, (_, at) => `app-${at}`);
const SIZE = IS_WHOLE ? 50 : 15;
/** Of a second round: each costs the start of a worker. */
const ASKED_AGAIN = IS_WHOLE ? 100 : 10;
const ASKED_IN_A_ROW = 2;
const CLIENTS = 8;

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, place: randomFraction() }))
    .toSorted((one, other) => one.place - other.place)
    .map(({ item }) => item);
}

async function askAll(client: PoolClient, apps: readonly string[]): Promise<void> {
  const waiting = shuffled(apps);
  const ask = async () => {
    for (let app = waiting.pop(); app !== undefined; app = waiting.pop()) {
      for (let time = 0; time < ASKED_IN_A_ROW; time += 1) {
        const answer = await client.ask(`/apps/${app}/?id=${app}`);
        assert.equal(answer.status, 200, `${app}: ${answer.text}`);
        assert.equal(answer.json.id, app);
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, ask));
}

describe(`${APPS.length} apps in a pool of ${SIZE}`, () => {
  it('are all answered, time and again, by no more workers than there may be', async (t) => {
    await using server = await openTestServer({ workers: { size: SIZE, warm: 2 } });
    using client = new PoolClient(server.url);
    const startedAt = performance.now();
    const manifest = { queue_timeout: '40s' };
    for (const name of APPS) await client.deploy({ app: 'busy', name, manifest });
    const deployedAt = performance.now();
    const watch = new PoolWatch(client);
    {
      await using _watching = watch;
      await askAll(client, APPS);
      await askAll(client, shuffled(APPS).slice(0, ASKED_AGAIN));
    }
    t.diagnostic(
      `deployed in ${Math.round(deployedAt - startedAt)} ms, asked in ` +
        `${Math.round(performance.now() - deployedAt)} ms, at most ${watch.mostWorkers} workers ` +
        `in ${watch.samples} samples, ends: ${[...watch.endReasons].join(' ')}`,
    );
    assert.deepEqual(watch.problems, []);
    assert.equal(watch.mostWorkers, SIZE);
    assert.deepEqual([...watch.endReasons.keys()], ['evicted']);
  });
});
