import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';

import type { MachineId } from '#kernel/ids.ts';
import { listMachineDirectories, MachineDirectory } from './machine-directory.ts';

const ID = 'vm_1' as MachineId;
const NOTES = {
  machineType: 'q35',
  tapDevices: ['dt1'],
  isConsoleLogged: true,
  hasVirtioConsole: false,
} as const;

describe('the directory of a machine', () => {
  let root = '';
  let directory = new MachineDirectory('/', ID);

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'drover-directory-'));
    directory = new MachineDirectory(root, ID);
    await directory.prepare(undefined);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('is closed to others, and keeps all but sockets and pid when prepared again', async () => {
    assert.equal((await stat(directory.path)).mode & 0o777, 0o700);
    for (const name of ['qmp.sock', 'agent.sock', 'qemu.pid', 'console.log', 'disks/a.qcow2']) {
      await writeFile(directory.file(name), '');
    }
    await directory.prepare(undefined);
    await assert.rejects(stat(directory.file('qmp.sock')), { code: 'ENOENT' });
    await assert.rejects(stat(directory.file('qemu.pid')), { code: 'ENOENT' });
    await stat(directory.file('console.log'));
    await stat(directory.file('disks/a.qcow2'));
  });

  it('keeps notes for the next Drover, and does without them', async () => {
    await directory.writeNotes(NOTES);
    assert.deepEqual(await directory.readNotes(), NOTES);
    await writeFile(directory.file('launch.json'), '{"machineType": "q3');
    const unknown = { ...NOTES, machineType: 'microvm', tapDevices: undefined };
    assert.deepEqual(await directory.readNotes(), { ...unknown, isConsoleLogged: false });
  });

  it('reads a pid and nothing else from the pid file', async () => {
    for (const [text, pid] of [
      ['42\n', 42],
      ['-1', undefined],
      ['4 2', undefined],
    ] as const) {
      await writeFile(directory.file('qemu.pid'), text);
      assert.equal(await directory.readPid(), pid);
    }
  });

  it('follows no symlink when it reads and writes', async () => {
    const secret = join(root, 'secret');
    await writeFile(secret, '42');
    await symlink(secret, directory.file('qemu.pid'));
    await symlink(secret, directory.file('launch.json'));
    assert.equal(await directory.readPid(), undefined);
    await directory.writeNotes(NOTES);
    assert.equal(await readFile(secret, 'utf8'), '42');
  });

  it('reaches a socket whatever the length of its path', async () => {
    for (const depth of [1, 30]) {
      const deep = new MachineDirectory(join(root, 'deep'.repeat(depth)), ID);
      await deep.prepare(undefined);
      const server = createServer((socket) => socket.end('hello'));
      await deep.withSocket('qmp.sock', async (path) => {
        server.listen(path);
        await once(server, 'listening');
        return undefined;
      });
      const greeting = await deep.withSocket('qmp.sock', async (path) => {
        const [chunk] = (await once(connect(path), 'data')) as [Buffer];
        return chunk.toString();
      });
      assert.equal(greeting, 'hello');
      server.close();
      await once(server, 'close');
    }
  });

  it('is listed by the id of its machine, beside nothing else', async () => {
    await writeFile(join(root, 'vm_file'), '');
    await new MachineDirectory(root, '.hidden' as MachineId).prepare(undefined);
    assert.deepEqual(await listMachineDirectories(root), [ID]);
    assert.deepEqual(await listMachineDirectories(join(root, 'nowhere')), []);
  });
});
