/** Real processes, from their start to the last trace of them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MIB } from '#kernel/units.ts';
import { ConfinedApps } from '#test/confined-app.ts';
import { until } from '#test/until.ts';

const HELLO = "export default { fetch: () => new Response('hello') };";

describe('ProcessLauncher', () => {
  let apps: ConfinedApps;
  before(async () => (apps = await ConfinedApps.open()));
  after(() => apps[Symbol.asyncDispose]());

  it('starts a member that answers for its app', async () => {
    await using app = await apps.start(HELLO);
    assert.equal(await app.ask(), 'hello');
  });

  it('gives it the environment of its app and no other', async () => {
    await using app = await apps.start(
      'export default { fetch: () => Response.json(process.env) };',
      { env: { GREETING: 'moo' } },
    );
    assert.deepEqual(JSON.parse(await app.ask()), { GREETING: 'moo' });
  });

  it('reads its memory from the kernel', async () => {
    await using app = await apps.start(HELLO);
    const memory = await app.member.memory();
    assert.equal(memory?.source, 'process');
    assert.ok(memory.rssBytes > 20 * MIB && memory.rssBytes < 200 * MIB, `${memory.rssBytes}`);
  });

  it('tells what an app writes line by line', async () => {
    await using app = await apps.start(
      `export default { fetch() {
         console.log('one\\ntwo');
         console.error('three');
         process.stdout.write('x'.repeat(40000) + '\\n');
         return new Response('');
       } };`,
    );
    await app.ask();
    await until(() => app.lines.length === 4 || undefined, 'its lines');
    assert.deepEqual(app.lines.filter((line) => line.length < 10).toSorted(), [
      'one',
      'three',
      'two',
    ]);
    const long = app.lines.find((line) => line.length > 10);
    assert.match(long ?? '', /^x+… \(cut\)$/);
    assert.ok(long !== undefined && long.length < 17_000);
  });

  it('says how a member ended', async () => {
    const app = await apps.start('export default { fetch: () => process.exit(3) };');
    await assert.rejects(app.ask());
    assert.equal((await app.member.ended).message, 'it exited with code 3');
  });

  it('says that a member ran out of memory', async () => {
    const app = await apps.start(
      'const kept = []; export default { fetch() { for (;;) kept.push({ a: [1, 2, 3] }); } };',
      { maxMemoryBytes: 64 * MIB },
    );
    await assert.rejects(app.ask());
    const { message } = await app.member.ended;
    assert.equal(message, 'it ran out of memory; its heap may have 64 MiB');
  });

  it('ends an endless loop at once', async () => {
    const app = await apps.start('export default { fetch() { for (;;); } };');
    const asked = assert.rejects(app.ask());
    await app.member.kill();
    assert.equal((await app.member.ended).signal, 'SIGKILL');
    await asked;
  });

  it('leaves no folder, descriptor or process behind', async () => {
    await (await apps.start(HELLO))[Symbol.asyncDispose]();
    const before = await countDescriptors();
    for (let round = 0; round < 10; round += 1) {
      const started = await Promise.all([1, 2, 3].map(() => apps.start(HELLO)));
      await Promise.all(started.map((app) => app[Symbol.asyncDispose]()));
      for (const { member } of started) assert.equal(isAlive(member.pid), false);
    }
    assert.deepEqual(await readdir(apps.runDirectory), ['program']);
    assert.equal(await countDescriptors(), before);
  });

  for (const grants of [[], ['child-process']]) {
    const what = grants.length === 0 ? '' : ' and may start others';
    it(`ends its members with the server, even one that never listens${what}`, async () => {
      const program = fileURLToPath(
        new URL('../../../test/fault/loop-in-member.ts', import.meta.url),
      );
      const server = spawn(process.execPath, [program, ...grants], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [said] = (await once(server.stdout, 'data')) as [Buffer];
      const pid = Number(said.toString());
      assert.equal(isAlive(pid), true);
      server.kill('SIGKILL');
      await once(server, 'exit');
      await until(() => !isAlive(pid) || undefined, 'the end of the member');
    });
  }

  it('gives members no capabilities where it cannot give them a user of their own', async () => {
    await using hidden = await ConfinedApps.open();
    // Nobody else gets through here.
    await chmod(hidden.directory, 0o700);
    await using app = await hidden.start(HELLO);
    const status = await readFile(`/proc/${app.member.pid}/status`, 'utf8');
    assert.match(status, /^CapEff:\s+0+$/m);
    if (process.getuid?.() !== 0) return;
    assert.match(hidden.confinements[0]?.missing.join() ?? '', /as the user that Drover runs as/);
  });
});

async function countDescriptors(): Promise<number> {
  return (await readdir('/proc/self/fd')).length;
}

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
