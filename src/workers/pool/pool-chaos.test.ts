/** The pool under everything at once: what is taken is answered once, and nothing stays. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FakeCall } from '#backends/fake/fake-member.ts';
import { MIB } from '#kernel/units.ts';
import { PoolFixture, workerApp, type Asked } from '#test/pool-fixture.ts';

const APPS = 20;
const REQUESTS = 10_000;

/** Small and good enough: what matters is that a seed gives the same run again. */
function createChance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const ALLOWED = new Set([
  ...['200', 'end', 'WORKER_CRASHED', 'REQUEST_TIMEOUT', 'WORKER_OUT_OF_MEMORY', 'QUEUE_FULL'],
  ...['QUEUE_TIMEOUT', 'APP_FAILING', 'SHUTTING_DOWN', 'APP_ERROR'],
]);

class Chaos {
  readonly chance: () => number;
  readonly fixture: PoolFixture;
  readonly asked: { readonly asked: Asked; readonly id: string }[] = [];
  readonly aborted = new Set<string>();
  readonly seen = new Set<string>();
  /** Requests that more than one member saw. */
  readonly seenTwice: string[] = [];
  /** Requests at members, unanswered. */
  readonly open: FakeCall[] = [];
  retired = 0;

  constructor(seed: number) {
    this.chance = createChance(seed);
    this.fixture = new PoolFixture({
      settings: { size: 15, warm: 2, startsAtOnce: 3, memoryBytes: 15 * 60 * MIB },
      chance: this.chance,
      script: {
        load: () => (this.chance() < 0.03 ? Promise.reject(new Error('no')) : Promise.resolve()),
        request: (call) => this.#request(call),
      },
    });
    this.fixture.processes.isDemanding = ({ name }) => name.endsWith('3');
    this.fixture.processes.beforeLaunch = () => {
      if (this.chance() < 0.02) throw new Error('out of processes');
    };
    for (let index = 0; index < APPS; index += 1) this.admit(index);
  }

  keyOf(index: number): string {
    return `app${index}@1.0.0`;
  }

  admit(index: number): void {
    this.fixture.pool.admit(
      workerApp(this.keyOf(index), {
        concurrency: 1 + (index % 4) * 4,
        minWorkers: index % 5 === 0 ? 1 : 0,
        maxWorkers: 1 + (index % 3),
        maxRequests: 40,
        queueLimit: 30,
        queueTimeoutMs: 4000,
        requestTimeoutMs: 3000,
        idleTimeoutMs: 2000,
        maxMemoryBytes: 80 * MIB,
      }),
    );
  }

  any<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.chance() * list.length)];
  }

  ask(index = Math.floor(this.chance() * APPS)): void {
    const id = String(this.asked.length);
    const isUpgrade = this.chance() < 0.02;
    const head = { url: `http://app/${id}`, hasBody: this.chance() < 0.1 };
    const asked = this.fixture.ask(this.keyOf(index), isUpgrade ? { ...head, isUpgrade } : head);
    if (head.hasBody) asked.exchange.write(new Uint8Array(1000));
    if (this.chance() < 0.5) asked.exchange.end();
    this.asked.push({ asked, id });
    // Some ask again as soon as they know how it went, from within being told.
    if (this.chance() < 0.05 && this.asked.length < REQUESTS) {
      asked.asker.onOver = () => this.ask(index);
    }
    if (this.chance() < 0.05) this.abort(asked, id);
  }

  abort(asked: Asked, id: string): void {
    if (asked.asker.isOver) return;
    this.aborted.add(id);
    asked.exchange.abort();
  }

  step(): void {
    const roll = this.chance();
    const members = [...this.fixture.processes.members.values()];
    const member = this.any(members);
    if (roll < 0.02) member?.crash('chaos');
    else if (roll < 0.03 && member !== undefined) member.isStuck = true;
    else if (roll < 0.04 && member !== undefined) member.rssBytes = 75 * MIB;
    else if (roll < 0.045 && member !== undefined) member.rssBytes = 90 * MIB;
    else if (roll < 0.06) this.#redeploy(Math.floor(this.chance() * APPS));
    else if (roll < 0.1) {
      const late = this.any(this.asked.slice(-50));
      if (late !== undefined) this.abort(late.asked, late.id);
    }
    const most = this.open.length * (0.3 + this.chance() * 0.7);
    for (const call of this.open.splice(0, Math.ceil(most))) this.#answer(call);
    for (const each of members)
      if (!each.isStuck && this.chance() < 0.2) each.report(this.chance());
  }

  #redeploy(index: number): void {
    const done = this.fixture.pool.retire(this.keyOf(index));
    this.admit(index);
    void done.then(() => (this.retired += 1));
  }

  #request(call: FakeCall): void {
    const id = call.head.url.slice('http://app/'.length);
    if (this.seen.has(id)) this.seenTwice.push(id);
    this.seen.add(id);
    if (this.chance() < 0.5) this.#answer(call);
    else this.open.push(call);
  }

  #answer(call: FakeCall): void {
    if (call.member.isStuck) return;
    const { id } = call;
    const roll = this.chance();
    const error = { kind: 'internal', reason: 'APP_ERROR', message: 'it threw' };
    if (roll < 0.05) call.send({ type: 'fail', id, error });
    else if (call.head.isUpgrade === true) {
      call.send({ type: 'data', id, bytes: Buffer.from('HTTP/1.1 101\r\n\r\n') });
      if (roll < 0.9) call.send({ type: 'end', id });
    } else if (roll < 0.2) {
      call.send({ type: 'response', id, head: { status: 200, headers: [] }, body: undefined });
      call.send({ type: 'data', id, bytes: new Uint8Array(10) });
      if (roll < 0.19) call.send({ type: 'end', id });
    } else call.answer(200);
  }
}

describe('a pool under deploys, crashes, evictions, recycling and timeouts', () => {
  for (const seed of [1, 7, 2026]) {
    it(`answers each of 10,000 requests once, and none twice (seed ${seed})`, async () => {
      const chaos = new Chaos(seed);
      const { fixture } = chaos;
      while (chaos.asked.length < REQUESTS) {
        const crowd = Math.floor(chaos.chance() * 40);
        for (let each = 0; each < crowd; each += 1) chaos.ask();
        chaos.step();
        await fixture.clock.advance(20 + Math.floor(chaos.chance() * 60));
        fixture.check();
      }
      const drained = fixture.pool.drain();
      for (let second = 0; second < 12; second += 1) {
        for (const call of chaos.open.splice(0)) call.answer(200);
        await fixture.advance(1000);
      }
      await drained;
      const results = new Map<string, number>();
      for (const { asked, id } of chaos.asked) {
        const { result } = asked.asker;
        const expected = chaos.aborted.has(id) ? result === 'pending' : ALLOWED.has(result);
        assert.ok(expected, `request ${id}: ${result}`);
        results.set(result, (results.get(result) ?? 0) + 1);
      }
      for (const result of ALLOWED) {
        if (result !== 'end') assert.ok(results.has(result), `nothing ended with ${result}`);
      }
      assert.ok((results.get('200') ?? 0) > REQUESTS / 2, JSON.stringify([...results]));
      assert.deepEqual(chaos.seenTwice, []);
      assert.ok(chaos.retired > 0);
      assert.equal(fixture.pool.counts().total, 0);
      assert.equal(fixture.processes.members.size, 0);
      assert.equal(fixture.clock.pendingTimers, 0);
      assert.ok(fixture.processes.mostMembers <= 15);
      assert.ok(fixture.processes.mostStarting <= 3);
    });
  }

  it('keeps nothing of 5,000 workers that were recycled', async () => {
    const fixture = new PoolFixture({ script: { request: (call) => call.answer(200) } });
    fixture.pool.admit(workerApp('shop@1.0.0', { maxWorkers: 2, maxRequests: 1 }));
    while (fixture.processes.launches < 5000) {
      for (let each = 0; each < 4; each += 1) fixture.ask('shop@1.0.0');
      await fixture.clock.advance(20);
      assert.ok(fixture.processes.members.size <= 4);
    }
    await fixture.settle();
    assert.ok(fixture.pool.counts().total <= 2);
    assert.equal(fixture.processes.members.size, fixture.pool.counts().total);
    assert.ok(fixture.ended().length <= 1000);
    await fixture.pool.retire('shop@1.0.0');
    await fixture.advance(61_000);
    assert.deepEqual(fixture.pool.workers(), []);
    assert.deepEqual(fixture.pool.apps(), []);
    assert.equal(fixture.clock.pendingTimers, 1, 'the tick of the pool');
    await fixture.pool.drain();
    assert.equal(fixture.clock.pendingTimers, 0);
  });
});
