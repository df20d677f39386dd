import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openTestMember, type TestMember } from '#test/app-member.ts';

interface Tried {
  readonly value?: unknown;
  readonly error?: string;
  readonly code?: string;
}

/** What comes of an expression in the app, which may import. */
async function tried(member: TestMember, expression: string): Promise<Tried> {
  const text = `import os from 'node:os'; import * as names from 'node:os';
    export default await (async () => (${expression}))();`;
  return JSON.parse((await member.ask('/', { method: 'POST', body: text })).text);
}

describe('a member process', () => {
  it('gives its app the environment of the manifest and no other', async () => {
    await using member = openTestMember('process');
    await member.become('probe', { env: { GREETING: 'hi' } });
    assert.deepEqual((await tried(member, 'process.env')).value, { GREETING: 'hi' });
    assert.deepEqual((await tried(member, 'process.argv')).value, ['node']);
    assert.deepEqual((await tried(member, 'process.execArgv')).value, []);
    assert.deepEqual(await tried(member, 'process.report'), { value: null });
  });

  it('has no way left to signal others, or to become somebody else', async () => {
    await using member = openTestMember('process');
    await member.become('probe');
    for (const call of [
      ...['process.kill(1, 0)', 'process._kill(1, 0)', 'process._debugProcess(1)'],
      ...['process.setuid(0)', 'process.setgroups([0])', 'process.chdir("/")'],
      ...['process.abort()', 'process.execve("/bin/true")', 'process.dlopen({}, "x.node")'],
      ...['os.setPriority(1, 19)', 'names.setPriority(1, 19)'],
    ]) {
      const { error, code } = await tried(member, call);
      assert.match(error ?? '', /is not available to apps$/, call);
      assert.equal(code, 'ERR_ACCESS_DENIED');
    }
    const put = await tried(member, '(process.kill = () => 0, process.kill(1, 0))');
    assert.match(put.error ?? '', /read only|not available/);
  });

  it('has the web classes that its requests are made of', async () => {
    await using member = openTestMember('process');
    await member.become('probe');
    const names =
      '[Request.name, Response.name, fetch.name, new Response("x") instanceof Response]';
    assert.deepEqual((await tried(member, names)).value, ['Request', 'Response', 'fetch', true]);
  });

  it('ends with its link, and not by an interrupt from a terminal', async () => {
    await using member = openTestMember('process');
    await member.become('hello');
    const { pid, link, ended } = member.started;
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGINT');
    assert.equal((await member.ask('/')).text, 'hello from /');
    link.close();
    assert.equal(await ended, 0);
  });

  for (const [path, line] of [
    ['/uncaught', /Error: uncaught on purpose/],
    ['/unhandled', /Error: unhandled on purpose/],
  ] as const) {
    it(`ends with what its app leaves ${path.slice(1)}, and says what it was`, async () => {
      await using member = openTestMember('process');
      await member.become('crash');
      // Whether the answer still gets out is left open.
      await member.ask(path).catch(() => undefined);
      assert.equal(await member.started.ended, 1);
      await member.said(line);
    });
  }

  it('fails what is under way when its app leaves', async () => {
    await using member = openTestMember('process');
    await member.become('crash');
    await assert.rejects(member.ask('/exit'), { kind: 'unavailable' });
    assert.equal(await member.started.ended, 3);
  });
});
