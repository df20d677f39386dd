/**
 * Ten thousand requests while everything happens to the pool that can: every request is answered
 * once, by the app it was for, and handled once at most. Apps called `steady` are deployed, rolled
 * back, recycled and evicted, and must not fail a single request; the workers of those called
 * `wild` crash and are killed as well, and fail those requests alone that were in them.
 */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { systemClock } from '#kernel/clock.ts';
import { randomFraction } from '#kernel/random.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { openTestDirectory, openTestServer } from '#test/drover-server.ts';
import { PoolClient, type PoolAnswer } from '#test/pool-client.ts';
import { PoolWatch } from '#test/pool-watch.ts';

const REQUESTS = 10_000;
const STEADY = ['steady-a', 'steady-b', 'steady-c', 'steady-d'];
const WILD = ['wild-a', 'wild-b', 'wild-c'];
const APPS = [...STEADY, ...WILD];
/** The first is left alone, so that its workers live to be recycled. */
const CHANGED = APPS.slice(1);
/** Fewer than there are apps. */
const SIZE = 6;
const CLIENTS_PER_APP = 5;
const CONCURRENCY = 8;
const MANIFEST = {
  ...{ concurrency: CONCURRENCY, max_workers: 2, max_requests: 60 },
  ...{ queue_timeout: '45s', queue_limit: 100 },
};
/** Two are forgiven; then starts wait for one second, two and four. */
const EXITS_OF_EACH = 2;
const KILLS_OF_EACH = 3;
/** In answers. */
const CHANGE_EVERY = 400;
const KILL_EVERY = 100;
/** About one request in so many, until there were enough. */
const EXIT_EVERY = 100;

type Outcome = 'answered' | 'crashed' | 'app-failing';

interface Fate {
  readonly app: string;
  readonly outcome: Outcome;
}

class Fire {
  readonly #client: PoolClient;
  /** What became of each request, by its number. */
  readonly fates = new Map<number, Fate>();
  readonly wrong: string[] = [];
  readonly #exitsLeft = new Map(WILD.map((app) => [app, EXITS_OF_EACH]));
  readonly #versions = new Map(APPS.map((app) => [app, 1]));
  readonly #events = new EventEmitter();
  #next = 0;
  #isOver = false;
  deploys = 0;
  rollbacks = 0;
  kills = 0;
  exits = 0;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  async burn(): Promise<void> {
    const askers = APPS.flatMap((app) => Array.from({ length: CLIENTS_PER_APP }, () => app));
    const asking = Promise.all(askers.map((app) => this.#ask(app)));
    const changing = [this.#deployAndRollBack(), this.#kill()];
    try {
      await Promise.race([asking, Promise.all(changing).then(() => asking)]);
    } finally {
      this.#isOver = true;
      this.#events.emit('answer');
      await Promise.allSettled([asking, ...changing]);
    }
    await Promise.all(changing);
  }

  count(outcome: Outcome, apps = APPS): number {
    const fates = [...this.fates.values()].filter(({ app }) => apps.includes(app));
    return fates.filter((fate) => fate.outcome === outcome).length;
  }

  /** One client of an app: it asks again as soon as it is answered, or when it is told to. */
  async #ask(app: string): Promise<void> {
    while (this.#next < REQUESTS && !this.#isOver) {
      const number = this.#next;
      this.#next += 1;
      const asked = await this.#askOnce(app, number);
      if (this.fates.has(number)) this.wrong.push(`${number} was answered twice`);
      this.fates.set(number, { app, outcome: asked.outcome });
      this.#events.emit('answer');
      if (asked.waitMs > 0) await systemClock.sleep(asked.waitMs);
    }
  }

  async #askOnce(app: string, number: number) {
    const exits = this.#exitsLeft.get(app) ?? 0;
    const isLast = exits > 0 && randomFraction() < 1 / EXIT_EVERY;
    if (isLast) {
      this.#exitsLeft.set(app, exits - 1);
      this.exits += 1;
    }
    const ms = randomFraction() < 0.2 ? Math.round(randomFraction() * 30) : 0;
    const path = `/apps/${app}/?id=${number}&ms=${ms}${isLast ? '&exit' : ''}`;
    const body = number % 3 === 0 ? `body of ${number}` : undefined;
    const call = body === undefined ? {} : { method: 'POST', body };
    const answer = await this.#client.ask(path, call);
    const outcome = outcomeOf(answer, number, body ?? '');
    if (outcome === undefined || (isLast && outcome === 'answered')) {
      this.wrong.push(`${app} ${number}${isLast ? ' exit' : ''}: ${answer.status} ${answer.text}`);
    }
    const waitMs = Number(answer.headers['retry-after'] ?? 0) * SECOND_MS;
    return { outcome: outcome ?? 'crashed', waitMs: outcome === 'app-failing' ? waitMs : 0 };
  }

  /** One change after so many answers, however fast this host is. */
  async #deployAndRollBack(): Promise<void> {
    const canGoBack = new Set<string>();
    for (let turn = 0; await this.#reached((turn + 1) * CHANGE_EVERY); turn += 1) {
      const app = CHANGED[turn % CHANGED.length] ?? '';
      if (canGoBack.delete(app)) {
        await this.#client.rollback(app);
        this.rollbacks += 1;
      } else {
        const patch = this.#versions.get(app) ?? 0;
        this.#versions.set(app, patch + 1);
        const version = `1.0.${patch}`;
        await this.#client.deploy({ app: 'busy', name: app, version, manifest: MANIFEST });
        canGoBack.add(app);
        this.deploys += 1;
      }
    }
  }

  /** From outside, as the kernel does when memory is short. */
  async #kill(): Promise<void> {
    const left = new Map(WILD.map((app) => [app, KILLS_OF_EACH]));
    for (let turn = 0; await this.#reached((turn + 1) * KILL_EVERY); turn += 1) {
      const app = WILD[turn % WILD.length] ?? '';
      const kills = left.get(app) ?? 0;
      const workers = kills === 0 ? [] : await this.#client.live(app);
      // None is at work while its app waits for another start.
      const pid = workers.find(({ state }) => state === 'active')?.pid ?? undefined;
      if (pid === undefined || !killed(pid)) continue;
      left.set(app, kills - 1);
      this.kills += 1;
    }
  }

  /** False when there will never be so many answers. */
  async #reached(answers: number): Promise<boolean> {
    while (this.fates.size < answers && !this.#isOver) await once(this.#events, 'answer');
    return !this.#isOver;
  }
}

/** False when it has just ended by itself. */
function killed(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

/** Undefined for an answer that must not be. */
function outcomeOf(answer: PoolAnswer, number: number, body: string): Outcome | undefined {
  const { status, json, reason, headers } = answer;
  if (status === 200) {
    return json.id === String(number) && json.body === body ? 'answered' : undefined;
  }
  if (status !== 503 || !/^\d+$/.test(headers['retry-after'] ?? '')) return undefined;
  if (reason === 'WORKER_CRASHED') return 'crashed';
  return reason === 'APP_FAILING' ? 'app-failing' : undefined;
}

/** How often each request was begun, as the apps' own logs tell it. */
async function readBegun(dataDir: string, app: string): Promise<Map<number, number>> {
  const text = await readFile(join(dataDir, 'apps', app, 'logs', 'app.log'), 'utf8');
  const begun = new Map<number, number>();
  for (const line of text.split('\n')) {
    const number = /"line":"began (\d+)"/.exec(line)?.[1];
    if (number !== undefined) begun.set(Number(number), (begun.get(Number(number)) ?? 0) + 1);
  }
  return begun;
}

/** What was begun must fit what was answered. */
function assertHandledOnce(app: string, fire: Fire, begun: ReadonlyMap<number, number>): void {
  for (const [number, times] of begun) {
    assert.equal(times, 1, `${app} handled ${number} ${times} times`);
    assert.equal(fire.fates.get(number)?.app, app, `${app} handled ${number} of another app`);
  }
  for (const [number, fate] of fire.fates) {
    if (fate.app !== app || fate.outcome === 'crashed') continue;
    assert.equal(
      begun.has(number),
      fate.outcome === 'answered',
      `${app} ${number} ${fate.outcome}`,
    );
  }
}

/** Of all apps together, as the gateway's metrics have it. */
async function countedAs(client: PoolClient, outcome: Outcome): Promise<number> {
  const { text } = await client.read('/metrics');
  const line = new RegExp(
    `^drover_app_requests_total\\{app="[^(][^"]*",outcome="${outcome}"\\} (\\d+)$`,
    'gm',
  );
  return [...text.matchAll(line)].reduce((sum, [, count]) => sum + Number(count), 0);
}

describe('the worker pool under fire', () => {
  it('answers each of 10,000 requests once, whatever happens to its workers', async (t) => {
    await using directory = await openTestDirectory();
    const dataDir = directory.path;
    let fire: Fire;
    {
      await using server = await openTestServer({ dataDir, workers: { size: SIZE, warm: 1 } });
      using client = new PoolClient(server.url);
      fire = new Fire(client);
      for (const name of APPS) {
        await client.deploy({ name, app: 'busy', version: '1.0.0', manifest: MANIFEST });
      }
      const startedAt = performance.now();
      const watch = new PoolWatch(client);
      {
        await using _watching = watch;
        await fire.burn();
      }
      const { deploys, rollbacks, kills, exits } = fire;
      const failed = `${fire.count('crashed')} and ${fire.count('app-failing')}`;
      t.diagnostic(
        `${Math.round(performance.now() - startedAt)} ms, ${deploys} deploys, ` +
          `${rollbacks} rollbacks, ${kills} kills, ${exits} exits, ` +
          `crashed and failing ${failed}, ends: ${[...watch.endReasons].join(' ')}, ` +
          `${watch.samples} samples`,
      );
      assert.deepEqual(fire.wrong, []);
      assert.equal(fire.fates.size, REQUESTS);
      for (const outcome of ['crashed', 'app-failing'] as const) {
        assert.equal(fire.count(outcome, STEADY), 0, `${outcome} of a steady app`);
      }
      assert.ok(fire.count('crashed') >= exits, 'whoever ends its worker is told so');
      assert.ok(fire.count('crashed') <= (kills + exits) * CONCURRENCY, failed);
      for (const outcome of ['answered', 'crashed', 'app-failing'] as const) {
        assert.equal(await countedAs(client, outcome), fire.count(outcome), outcome);
      }
      assert.deepEqual(watch.problems, []);
      for (const reason of ['removed', 'evicted', 'max-requests', 'crashed']) {
        assert.ok(watch.endReasons.has(reason), `no worker ended for being ${reason}`);
      }
      assert.ok(kills > 0 && exits > 0 && rollbacks > 0);
    }
    for (const app of APPS) assertHandledOnce(app, fire, await readBegun(dataDir, app));
  });
});
