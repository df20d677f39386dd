/** The `drover` command as a user of the shell meets it, against a server that runs. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { demoConfig, infoOf } from '#test/demo-vm.ts';
import { DroverHost } from '#test/drover-host.ts';
import { cleanEnvironment } from '#test/drover-process.ts';

const DROVER = fileURLToPath(new URL('../../drover', import.meta.url));

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that was started, and what it has written so far. */
class Shell {
  readonly child: ChildProcess;
  readonly ended: Promise<Result>;
  stdout = '';
  stderr = '';

  constructor(host: DroverHost, args: readonly string[], variables: Record<string, string> = {}) {
    const fixed = { DROVER_IMAGES_DIRECTORIES: host.imagesDir };
    const server = host.isUp ? { DROVER_SERVER: host.url } : {};
    const data = { DROVER_DATA: host.dataDir };
    const env = { ...cleanEnvironment(), ...fixed, ...server, ...data, ...variables };
    this.child = spawn(DROVER, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = once(this.child, 'close').then(() => ({
      code: this.child.exitCode,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  async prints(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.stdout)) {
      if (this.child.exitCode !== null) assert.fail(`ended before ${pattern}:\n${this.stderr}`);
      await Promise.race([once(this.child.stdout ?? this.child, 'data'), this.ended]);
    }
  }
}

async function drover(
  host: DroverHost,
  args: readonly string[],
  variables: Record<string, string> = {},
): Promise<Result> {
  return await new Shell(host, args, variables).ended;
}

/** Of a command that has to succeed. */
async function outputOf(host: DroverHost, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await drover(host, args);
  assert.equal(code, 0, `drover ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

describe('the drover command', () => {
  it('leads a machine through its life', async (t) => {
    const host = await DroverHost.start(t);
    const tell = (...args: string[]) => outputOf(host, 'vm', ...args);
    assert.match(await outputOf(host, 'image', 'list'), /^NAME +SIZE[^]*\ndemo +\d/);
    const watch = new Shell(host, ['vm', 'watch', '--json', '--after', '0']);
    assert.equal(await tell('create', 'demo', '--id', 'web', '--memory', '128MiB'), 'web');
    assert.equal(await tell('boot', 'web'), 'web running');
    const console = new Shell(host, ['vm', 'console', '-f', 'web']);
    await console.prints(/drover-demo ready/);
    console.child.kill('SIGINT');
    assert.equal((await console.ended).code, 130);

    assert.match(await tell('list'), /web +running/);
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
    const args = ['vm', 'run', 'demo', '--rm', '--until', 'drover-demo ready'];
    const { code, stdout } = await drover(host, args);
    assert.equal(code, 0);
    assert.match(stdout, /drover-demo ready/);
    assert.deepEqual(await host.machineDirs(), []);
  });

  it('runs a file of JSON until its guest powers off', async (t) => {
    const host = await DroverHost.start(t);
    const file = join(host.dataDir, 'vm.json');
    await writeFile(file, JSON.stringify(demoConfig({ args: 'demo.poweroff' })));
    const { code, stdout, stderr } = await drover(host, ['vm', 'run', file]);
    assert.equal(code, 0);
    assert.match(stdout, /drover-demo powering off/);
    assert.match(stderr, /is off: the guest powered off/);
  });

  it('tells the shell by its exit code what went wrong', async (t) => {
    const host = await DroverHost.start(t);
    const exit = async (...args: string[]) => (await drover(host, args)).code;
    await outputOf(host, 'vm', 'create', 'demo', '--id', 'one');
    assert.equal(await exit('vm', 'info', 'nobody'), 3);
    assert.equal(await exit('vm', 'create', 'demo', '--id', 'one'), 5);
    assert.equal(await exit('vm', 'pause', 'one'), 6);
    assert.equal(await exit('vm', 'create', 'no-such-image'), 3);
    assert.equal(await exit('vm', 'create', 'demo', '--vcpus', '99'), 2);
    assert.equal(await exit('vm', 'fly', 'one'), 2);
    assert.equal(await exit('vm', 'list', '--token', 'nonsense'), 4);
    assert.equal(await exit('vm', 'list', '--server', 'http://127.0.0.1:1'), 8);
    const { stderr } = await drover(host, ['vm', 'info', 'nobody', '--json']);
    assert.equal(JSON.parse(stderr).code, 'not_found');
  });

  it('makes tokens that work until they are revoked', async (t) => {
    const host = await DroverHost.start(t, { flags: ['--auth-mode', 'token'] });
    const created = ['token', 'create', 'ci', '--customer', 'acme', '--json'];
    const { id, token } = JSON.parse(await outputOf(host, ...created));
    const own = { DROVER_TOKEN: token };
    assert.equal((await drover(host, ['vm', 'create', 'demo', '--id', 'one'], own)).code, 0);
    assert.equal((await drover(host, ['vm', 'info', 'one'], own)).code, 0);
    assert.equal((await drover(host, ['vm', 'list'])).code, 4, 'dev tokens are off');

    const reader = ['token', 'create', 'look', '--customer', 'acme', '--read-only'];
    const readOnly = { DROVER_TOKEN: await outputOf(host, ...reader) };
    assert.equal((await drover(host, ['vm', 'info', 'one'], readOnly)).code, 0);
    assert.equal((await drover(host, ['vm', 'delete', 'one'], readOnly)).code, 4);
    const operator = await outputOf(host, 'token', 'create', 'ops', '--operator');
    assert.equal((await infoOf(host, 'one', operator)).customer_id, 'acme');

    const list = await outputOf(host, 'token', 'list');
    assert.match(list, /ci +customer +acme/);
    assert.doesNotMatch(list + host.log, new RegExp(token));
    await outputOf(host, 'token', 'revoke', id);
    const revokedAt = performance.now();
    while ((await drover(host, ['vm', 'list'], own)).code === 0) {
      assert.ok(performance.now() - revokedAt < 6000, 'it is still accepted');
    }
    assert.match(await outputOf(host, 'token', 'list'), /ci .*revoked/);
  });

  it('prints the settings in force, passwords masked', async (t) => {
    const host = await DroverHost.open(t);
    const flags = ['--database', 'postgres://drover:hunter2@db.example/drover', '--port', '9'];
    const { code, stdout } = await drover(host, ['config', ...flags]);
    assert.equal(code, 0);
    assert.match(stdout, /^port: 9\b/m);
    assert.match(stdout, /db\.example/);
    assert.doesNotMatch(stdout, /hunter2/);
    assert.equal((await drover(host, ['config', '--prot', '9'])).code, 2);
  });
});
