import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { openAppFolder } from '#test/app-folder.ts';
import { openMemoryMember, openTestMember, type TestMemberKind } from '#test/app-member.ts';
import { until } from '#test/until.ts';
import { RETIRE_MS } from './member-host.ts';

const KINDS: readonly TestMemberKind[] = ['memory', 'thread', 'process'];

for (const kind of KINDS) {
  describe(`an app in a member (${kind})`, () => {
    it('answers, as often as it is asked', async () => {
      await using member = openTestMember(kind);
      await member.become('hello');
      const answer = await member.ask('/you');
      assert.equal(answer.status, 200);
      assert.equal(answer.text, 'hello from /you');
      assert.deepEqual(answer.headers, ['content-type', 'text/plain;charset=UTF-8']);
      const paths = Array.from({ length: 100 }, (_, at) => `/${at}`);
      const answers = await Promise.all(paths.map((path) => member.ask(path)));
      assert.deepEqual(
        answers.map(({ text }) => text),
        paths.map((path) => `hello from ${path}`),
      );
    });

    it('is told what was asked, and by whom', async () => {
      await using member = openTestMember(kind);
      await member.become('echo');
      const { text } = await member.ask('/json?a=ü', {
        method: 'PUT',
        headers: ['X-Twice', '1', 'x-twice', '2', 'content-type', 'text/plain'],
        body: 'grüße',
        caller: { kind: 'operator', id: 'olga' },
      });
      assert.deepEqual(JSON.parse(text), {
        app: { name: 'echo', version: '1.0.0' },
        caller: { kind: 'operator', id: 'olga' },
        method: 'PUT',
        url: 'http://app.example/json?a=%C3%BC',
        headers: [
          ['content-type', 'text/plain'],
          ['x-twice', '1, 2'],
        ],
        body: 'grüße',
      });
      const { caller, body } = JSON.parse((await member.ask('/json')).text);
      assert.deepEqual([caller, body], [undefined, '']);
    });

    it('sets each cookie by itself', async () => {
      await using member = openTestMember(kind);
      await member.become('echo');
      const { headers, text } = await member.ask('/', { method: 'POST', body: 'x' });
      assert.equal(text, 'x');
      const cookies = headers.filter((_, at) => headers[at - 1] === 'set-cookie');
      assert.deepEqual(cookies, ['first=1; Path=/', 'second=2; Path=/']);
    });

    it('sends no body to a HEAD', async () => {
      await using member = openTestMember(kind);
      await member.become('hello');
      const { status, text } = await member.ask('/', { method: 'HEAD' });
      assert.deepEqual([status, text], [200, '']);
    });

    for (const [path, line] of [
      ['/throw', /GET \/throw: Error: thrown on purpose/],
      ['/not-a-response', /TypeError: fetch must return a Response, not object/],
      ['/nothing', /TypeError: fetch must return a Response, not undefined/],
      ['/error', /fetch returned Response.error\(\)/],
      ['/used', /a Response whose body was read before/],
    ] as const) {
      it(`keeps the reason of ${path} to its own log`, async () => {
        await using member = openTestMember(kind);
        await member.become('crash');
        await assert.rejects(member.ask(path), {
          kind: 'internal',
          reason: 'APP_ERROR',
          message: 'the app failed to answer; its log says why',
        });
        await member.said(line);
        assert.match((await member.ask('/')).text, /^pid /);
      });
    }

    it('hears when nobody waits for its answer any more', async () => {
      await using member = openTestMember(kind);
      await member.become('streaming');
      const head = { url: 'http://app.example/wait', method: 'GET', headers: [], hasBody: false };
      const nothing = () => undefined;
      const handler = {
        ...{ onHead: nothing, onData: nothing, onEnd: nothing, onDrain: nothing },
        onFail: assert.fail,
      };
      member.exchanges.begin(head, undefined, handler).abort();
      const began = Promise.withResolvers<void>();
      const endless = member.exchanges.begin(
        { ...head, url: 'http://app.example/endless' },
        undefined,
        { ...handler, onHead: () => began.resolve() },
      );
      await began.promise;
      endless.abort();
      // What it says of itself is asked after the aborts, on the same link.
      for (;;) {
        const state = JSON.parse((await member.ask('/state')).text);
        if (state.waitsAborted === 1 && state.streamsCancelled === 1) break;
      }
    });

    it('is cut off when its body breaks', async () => {
      await using member = openTestMember(kind);
      await member.become('streaming');
      await assert.rejects(member.ask('/cut'), { reason: 'APP_ERROR' });
      await member.said(/the cable is cut/);
    });

    it('has its hooks called, and goes on after its answers', async () => {
      await using member = openTestMember(kind);
      await member.become('hooks');
      assert.equal((await member.ask('/', { method: 'POST', body: 'work' })).status, 202);
      member.started.link.send({ type: 'idle' });
      member.started.link.send({ type: 'retire' });
      await member.heard('retired');
      // The console of the test is where the in-memory one writes to.
      if (kind === 'memory') return;
      await member.said(/^terminating$/);
      assert.deepEqual(member.lines.toSorted(), ['did work', 'idle', 'terminating']);
    });
  });
}

describe('MemberHost', () => {
  it('refuses requests until it has an app, and a second app after', async () => {
    await using member = openMemoryMember(new FakeClock());
    await assert.rejects(member.ask('/'), { kind: 'failed_precondition' });
    await member.become('hello');
    await member.become('echo');
    const { error } = await member.heard('rejected');
    assert.equal(error.message, 'this worker has an app already');
    assert.equal((await member.ask('/')).text, 'hello from /');
  });

  it('reports how it does each second while it works, and once when it is done', async () => {
    const clock = new FakeClock();
    await using member = openMemoryMember(clock);
    const reports = () => member.frames.filter(({ type }) => type === 'stats').length;
    await member.become('streaming');
    const { stats } = await member.heard('stats');
    assert.ok(stats.heapUsedBytes > 0);
    assert.ok(stats.isolateBytes > stats.heapUsedBytes);
    assert.ok(stats.utilization >= 0 && stats.utilization <= 1);
    assert.equal(clock.pendingTimers, 0);
    assert.equal(reports(), 1);
    const handler = {
      ...{ onHead: () => undefined, onData: () => undefined, onDrain: () => undefined },
      ...{ onEnd: () => undefined, onFail: assert.fail },
    };
    const url = 'http://app.example/wait';
    const head = { url, method: 'GET', headers: [], hasBody: false };
    const waiting = member.exchanges.begin(head, undefined, handler);
    // Answered after the request before, on the same link.
    await member.ask('/state');
    await clock.advance(3 * SECOND_MS);
    await member.ask('/state');
    assert.equal(reports(), 4);
    waiting.abort();
    await member.ask('/state');
    await clock.advance(10 * SECOND_MS);
    await member.ask('/state');
    assert.equal(clock.pendingTimers, 1);
    assert.equal(reports(), 5);
  });

  it('says that it is retired though the hook hangs', async () => {
    const text = 'export default { fetch() {}, onTerminate: () => new Promise(() => undefined) };';
    await using folder = await openAppFolder({ 'hanging.mjs': text });
    const clock = new FakeClock();
    await using member = openMemoryMember(clock);
    await member.become('hanging', { directory: folder.path, entrypoint: 'hanging.mjs' });
    member.started.link.send({ type: 'retire' });
    await until(() => clock.pendingTimers || undefined, 'the deadline');
    assert.ok(!member.frames.some(({ type }) => type === 'retired'));
    await clock.advance(RETIRE_MS);
    await member.heard('retired');
    assert.match(member.lines.join(), /onTerminate took longer than 900 ms/);
  });

  it('says that it is retired though the hook fails, and why in its log', async () => {
    const text = 'export default { fetch() {},\n onTerminate() { throw new Error("no"); } };';
    await using folder = await openAppFolder({ 'failing.mjs': text });
    await using member = openMemoryMember(new FakeClock());
    await member.become('failing', { directory: folder.path, entrypoint: 'failing.mjs' });
    member.started.link.send({ type: 'retire' });
    await member.heard('retired');
    assert.deepEqual(member.lines, ['onTerminate: failing.mjs:2: no']);
  });
});
