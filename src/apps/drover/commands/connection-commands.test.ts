import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { FakeTerminal } from '#apps/drover/fake-terminal.ts';
import { CTRL_C } from '#apps/drover/top/screen.ts';
import { FakeScreen } from '#apps/drover/top/fake-screen.ts';
import { openMigrationCommands } from '#test/migration-command.ts';
import { until } from '#test/until.ts';

const ADD = ['connections', 'add', 'lab', '--url', 'https://vcenter', '--username', 'ada'];

async function openPasswordFile(text: string) {
  const directory = await mkdtemp(join(tmpdir(), 'drover-connection-'));
  const path = join(directory, 'password');
  await writeFile(path, text);
  return { path, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

describe('drover connections add', () => {
  it('asks for the password, and shows nothing of it', async () => {
    await using commands = await openMigrationCommands();
    const keyboard = new FakeScreen(80, 24);
    const terminal = new FakeTerminal({ isTty: true, keyboard });
    const run = commands.start(ADD, { terminal });
    await terminal.shows('type the password of ada at https://vcenter');
    await until(() => (keyboard.isListening ? true : undefined), 'the keyboard');
    for (const key of ['x', '\u0015', 's3', '\u001B[A', 'x', '\u007F', 'crét', '\r']) {
      keyboard.press(key);
    }
    assert.equal(await run.exitCode, 0, terminal.notes);
    assert.equal(commands.fake.connections.passwords.get('lab'), 's3crét');
    assert.match(terminal.out, /^vcenter url +https:\/\/vcenter$/m);
    assert.match(terminal.notes, /try it with: drover connections test lab\n$/);
    assert.doesNotMatch(terminal.out + terminal.notes, /crét/);
    assert.equal(keyboard.isListening, false);
  });

  it('takes Ctrl-C for an answer', async () => {
    await using commands = await openMigrationCommands();
    const keyboard = new FakeScreen(80, 24);
    const run = commands.start(ADD, { terminal: new FakeTerminal({ keyboard }) });
    await until(() => (keyboard.isListening ? true : undefined), 'the keyboard');
    keyboard.press(CTRL_C);
    assert.equal(await run.exitCode, 130);
    assert.equal(keyboard.isListening, false);
    assert.equal(commands.fake.connections.all.size, 0);
  });

  it('reads the password from a file, or from the standard input', async () => {
    await using commands = await openMigrationCommands();
    await using file = await openPasswordFile('from a file\r\n');
    const { passwords } = commands.fake.connections;
    await commands.drover(...ADD, '--password-file', file.path);
    assert.equal(passwords.get('lab'), 'from a file');
    const terminal = new FakeTerminal({ input: 'from a pipe\n' });
    const run = commands.start([...ADD, '--password-file', '-', '--json'], { terminal });
    assert.equal(await run.exitCode, 0, terminal.notes);
    assert.equal(passwords.get('lab'), 'from a pipe');
    assert.equal((JSON.parse(terminal.out) as { name: string }).name, 'lab');
  });

  for (const [what, text] of [
    ['nothing', ''],
    ['two lines', 'one\ntwo\n'],
    ['too much', 'x'.repeat(100_000)],
  ] as const) {
    it(`refuses ${what} for a password`, async () => {
      await using commands = await openMigrationCommands();
      const terminal = new FakeTerminal({ input: text });
      const run = commands.start([...ADD, '--password-file', '-'], { terminal });
      assert.equal(await run.exitCode, 2);
      assert.match(
        terminal.notes,
        /--password-file: must hold one line of at most 1024 characters/,
      );
      assert.equal(commands.fake.connections.all.size, 0);
    });
  }

  it('says of a file that is not there which', async () => {
    await using commands = await openMigrationCommands();
    const { exitCode, notes } = await commands.drover(...ADD, '--password-file', 'nothing');
    assert.equal(exitCode, 2);
    assert.match(notes, /--password-file: nothing cannot be read \(ENOENT\)/);
    const ca = await commands.drover(...ADD, '--source-ca', 'nothing');
    assert.match(ca.notes, /--source-ca: \/nowhere\/nothing cannot be read \(ENOENT\)/);
  });
});

describe('drover connections', () => {
  it('list, show, change, test and remove them', async () => {
    await using commands = await openMigrationCommands();
    const none = await commands.drover('connections', 'list');
    assert.match(none.notes, /^no connections yet; make one with: drover connections add lab/);
    await using file = await openPasswordFile('one');
    await commands.drover(...ADD, '--password-file', file.path, '--insecure');
    assert.equal(
      (await commands.drover('connections', 'list')).out,
      'NAME  URL              USER  BELIEVES\nlab   https://vcenter  ada   anybody\n',
    );
    assert.match((await commands.drover('connections', 'show', 'lab')).out, /^insecure +true$/m);
    const changed = await commands.drover(
      ...['connections', 'change', 'lab', '--username', 'bob', '--json'],
    );
    assert.equal((JSON.parse(changed.out) as { username: string }).username, 'bob');
    assert.equal(commands.fake.connections.passwords.get('lab'), 'one');
    await using other = await openPasswordFile('two');
    await commands.drover('connections', 'change', 'lab', '--password-file', other.path);
    assert.equal(commands.fake.connections.passwords.get('lab'), 'two');
    assert.equal((await commands.drover('connections', 'change', 'lab')).exitCode, 2);
    const tested = await commands.drover('connections', 'test', 'lab', 'none');
    assert.match(tested.out, /^lab works: /);
    assert.equal(tested.exitCode, 3);
    assert.equal((await commands.drover('connections', 'remove', 'lab')).out, 'removed lab\n');
    assert.equal(commands.fake.connections.all.size, 0);
  });
});

describe('drover vsphere', () => {
  it('lists VMs with what there is to know of each', async () => {
    await using commands = await openMigrationCommands();
    const { out } = await commands.drover(
      ...['vsphere', 'ls', 'Datacenter/vm/*', '--from', 'lab', '--datacenter', 'Datacenter'],
    );
    assert.equal(
      out,
      [
        'PATH                                   POWER  CPUS  MEMORY  STORAGE  ADDRESS       GUEST',
        'Datacenter/vm/production/web-server-1  on     4     8 GiB   100 GiB  192.168.1.10  ' +
          'Ubuntu Linux (64-bit)',
        '',
      ].join('\n'),
    );
    const { opened, listed } = commands.fake.vsphere;
    assert.deepEqual(opened[0]?.spec, { kind: 'vsphere', connection: 'lab' });
    assert.deepEqual(listed, [{ datacenter: 'Datacenter', pattern: 'Datacenter/vm/*' }]);
    await commands.drover('vsphere', 'ls');
    assert.deepEqual(opened[1]?.spec, { kind: 'default' });
  });

  it('shows one with its disks and networks', async () => {
    await using commands = await openMigrationCommands();
    const path = 'Datacenter/vm/production/web-server-1';
    const { out } = await commands.drover('vsphere', 'info', path, '--from', 'lab');
    assert.match(out, /^firmware +efi$/m);
    assert.match(
      out,
      /^disk +Hard disk 1: 100 GiB on pvscsi, thin, \[datastore1\] web-server-1\//m,
    );
    assert.match(out, /^network +VM Network: 00:50:56:00:00:01, vmxnet3 \(Network adapter 1\)$/m);
    const missing = await commands.drover('vsphere', 'info', 'x', '--from', 'lab', '--json');
    assert.equal(missing.exitCode, 3);
  });

  it('says that it is the vCenter that refuses the password', async () => {
    await using commands = await openMigrationCommands();
    await using file = await openPasswordFile('wrong');
    const { exitCode, notes } = await commands.drover(
      ...['vsphere', 'ls', '--from', 'https://vc', '--username', 'ada'],
      ...['--password-file', file.path],
    );
    assert.equal(exitCode, 2);
    assert.equal(notes, 'drover: the vCenter refused the user name or password\n');
  });
});
