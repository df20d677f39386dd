/** The `drover` command as a user of the shell meets it, against a server that runs. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { demoConfig, infoOf } from '#test/demo-vm.ts';
import { CommandLine } from '#test/drover-command.ts';
import { DroverHost } from '#test/drover-host.ts';
import { IS_WHOLE } from '#test/whole.ts';

describe('the drover command', { concurrency: 2 }, () => {
  it('leads a machine through its life', async (t) => {
    const host = await DroverHost.start(t);
    const drover = new CommandLine(t, host);
    const tell = (...args: string[]) => drover.output('vm', ...args);
    assert.match(await drover.output('image', 'list'), /^NAME +SIZE[^]*\ndemo +\d/);
    const watch = drover.start(['vm', 'watch', '--json', '--after', '0']);
    assert.equal(await tell('create', 'demo', '--id', 'web', '--memory', '128MiB'), 'web');
    assert.equal(await tell('boot', 'web'), 'web running');
    const console = drover.start(['vm', 'console', '-f', 'web']);
    await console.prints(/drover-demo ready/);
    console.child.kill('SIGINT');
    assert.equal((await console.ended).code, 130);

    assert.match(await tell('list'), /web +- +running/);
    assert.match(await tell('info', 'web'), /running/);
    assert.equal(JSON.parse(await tell('info', 'web', '--json')).state, 'VM_STATE_RUNNING');
    assert.equal(await tell('pause', 'web'), 'web paused');
    assert.equal(await tell('resume', 'web'), 'web running');
    assert.equal(await tell('reboot', 'web', '--force'), 'web running (reset)');
    assert.equal(await tell('shutdown', 'web', '--force'), 'web shutdown (killed)');
    assert.match(await tell('console', 'web', '--tail', '3'), /\S/);
    assert.equal(await tell('delete', 'web'), 'web deleted');
    assert.equal(JSON.parse(await tell('list', '--json')).total_count, 0);

    await watch.prints(/machine\.deleted/);
    watch.child.kill('SIGINT');
    const kinds = (await watch.ended).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).kind);
    assert.equal(kinds[0], 'machine.created');
    assert.equal(kinds.at(-1), 'machine.deleted');
    assert.ok(kinds.includes('machine.rebooted'));
  });

  it('runs the demo until a text appears, and removes it', async (t) => {
    const host = await DroverHost.start(t);
    const drover = new CommandLine(t, host);
    const args = ['vm', 'run', 'demo', '--rm', '--until', 'drover-demo ready'];
    const { code, stdout } = await drover.run(args);
    assert.equal(code, 0);
    assert.match(stdout, /drover-demo ready/);
    assert.deepEqual(await host.machineDirs(), []);
  });

  if (IS_WHOLE) {
    it('runs a file of JSON until its guest powers off', async (t) => {
      const host = await DroverHost.start(t);
      const drover = new CommandLine(t, host);
      const file = join(host.dataDir, 'vm.json');
      await writeFile(file, JSON.stringify(demoConfig({ args: 'demo.poweroff' })));
      const { code, stdout, stderr } = await drover.run(['vm', 'run', file]);
      assert.equal(code, 0);
      assert.match(stdout, /drover-demo powering off/);
      assert.match(stderr, /is off: the guest powered off/);
    });
  }

  it('tells the shell by its exit code what went wrong', async (t) => {
    const host = await DroverHost.start(t);
    const drover = new CommandLine(t, host);
    const exit = async (...args: string[]) => (await drover.run(args)).code;
    await drover.output('vm', 'create', 'demo', '--id', 'one');
    assert.equal(await exit('vm', 'info', 'nobody'), 3);
    assert.equal(await exit('vm', 'create', 'demo', '--id', 'one'), 5);
    assert.equal(await exit('vm', 'pause', 'one'), 6);
    assert.equal(await exit('vm', 'create', 'no-such-image'), 3);
    assert.equal(await exit('vm', 'create', 'demo', '--vcpus', '99'), 2);
    assert.equal(await exit('vm', 'fly', 'one'), 2);
    assert.equal(await exit('vm', 'list', '--token', 'nonsense'), 4);
    assert.equal(await exit('vm', 'list', '--server', 'http://127.0.0.1:1'), 8);
    const { stderr } = await drover.run(['vm', 'info', 'nobody', '--json']);
    assert.equal(JSON.parse(stderr).error.kind, 'not_found');
  });

  it('makes tokens that work until they are revoked', async (t) => {
    const host = await DroverHost.start(t, { flags: ['--auth-mode', 'token'] });
    const drover = new CommandLine(t, host);
    const created = ['token', 'create', 'ci', '--customer', 'acme', '--json'];
    const { id, token } = JSON.parse(await drover.output(...created));
    const own = { DROVER_TOKEN: token };
    assert.equal((await drover.run(['vm', 'create', 'demo', '--id', 'one'], own)).code, 0);
    assert.equal((await drover.run(['vm', 'info', 'one'], own)).code, 0);
    assert.equal((await drover.run(['vm', 'list'])).code, 4, 'dev tokens are off');

    const reader = ['token', 'create', 'look', '--customer', 'acme', '--read-only'];
    const readOnly = { DROVER_TOKEN: await drover.output(...reader) };
    assert.equal((await drover.run(['vm', 'info', 'one'], readOnly)).code, 0);
    assert.equal((await drover.run(['vm', 'delete', 'one'], readOnly)).code, 4);
    const operator = await drover.output('token', 'create', 'ops', '--operator');
    assert.equal((await infoOf(host, 'one', operator)).customer_id, 'acme');

    const list = await drover.output('token', 'list');
    assert.match(list, /ci +customer +acme/);
    assert.doesNotMatch(list + host.log, new RegExp(token));
    await drover.output('token', 'revoke', id);
    const revokedAt = performance.now();
    while ((await drover.run(['vm', 'list'], own)).code === 0) {
      assert.ok(performance.now() - revokedAt < 6000, 'it is still accepted');
    }
    assert.match(await drover.output('token', 'list'), /ci .*revoked/);
  });

  it('prints the settings in force, passwords masked', async (t) => {
    const host = await DroverHost.open(t);
    const drover = new CommandLine(t, host);
    const secret = { DROVER_DATABASE: 'postgres://drover:hunter2@db.example/drover' };
    const { code, stdout } = await drover.run(['config', '--port', '9'], secret);
    assert.equal(code, 0);
    assert.match(stdout, /^port: 9\b/m);
    assert.match(stdout, /db\.example/);
    assert.doesNotMatch(stdout, /hunter2/);
    assert.equal((await drover.run(['config', '--prot', '9'])).code, 2);
  });
});
