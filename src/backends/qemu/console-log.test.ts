import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';

import { systemClock } from '#kernel/clock.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { MachineId } from '#kernel/ids.ts';
import { ConsoleRotation, FileConsoleLog, settleConsole } from './console-log.ts';
import { MachineDirectory } from './machine-directory.ts';

/** By a server that has just started. */
async function rotateConsole(
  directory: MachineDirectory,
  reopen: () => Promise<void>,
  maxFileBytes: number,
): Promise<boolean> {
  return await new ConsoleRotation(directory, reopen, maxFileBytes).rotate();
}

describe('the console log', () => {
  let root = '';
  let directory = new MachineDirectory('/', 'vm' as MachineId);
  const print = (text: string) => appendFileSync(directory.file('console.log'), text);
  const reopen = () => {
    writeFileSync(directory.file('console.log'), '');
    return Promise.resolve();
  };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'drover-console-'));
    directory = new MachineDirectory(root, 'vm_1' as MachineId);
    mkdirSync(directory.path);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  async function readText(offset: number, maxBytes = 1000) {
    const chunk = await new FileConsoleLog(directory, systemClock).read(offset, maxBytes);
    return { ...chunk, data: Buffer.from(chunk.data).toString() };
  }

  it('is empty for a machine that never ran', async () => {
    rmSync(directory.path, { recursive: true });
    const nothing = { offset: 0, data: '', nextOffset: 0, isTruncated: false };
    assert.deepEqual(await readText(0), nothing);
    assert.deepEqual(await readText(-10), nothing);
    assert.deepEqual(await readText(99), nothing);
  });

  it('keeps its offsets through rotations', async () => {
    print('0123456789');
    assert.equal(await rotateConsole(directory, reopen, 10), true);
    print('abcdef');
    assert.equal(await rotateConsole(directory, reopen, 10), false);
    assert.equal((await readText(0)).data, '0123456789abcdef');
    assert.deepEqual(await readText(8, 4), {
      offset: 8,
      data: '89ab',
      nextOffset: 12,
      isTruncated: false,
    });
    print('ghijkl');
    assert.equal(await rotateConsole(directory, reopen, 10), true);
    print('XYZ');
    assert.deepEqual(readdirSync(directory.path).toSorted(), ['console.log', 'console.log.10']);
    assert.deepEqual(await readText(3), {
      offset: 10,
      data: 'abcdefghijklXYZ',
      nextOffset: 25,
      isTruncated: true,
    });
    assert.equal((await readText(-4)).data, 'lXYZ');
    assert.equal((await readText(-4)).isTruncated, false);
    assert.equal((await readText(500)).nextOffset, 25);
  });

  it('takes up a rotation that a crash cut short', async () => {
    print('0123456789');
    const crash = () => Promise.reject(new Error('no answer'));
    await assert.rejects(rotateConsole(directory, crash, 10), /no answer/);
    // QEMU still writes into the file it has open.
    appendFileSync(directory.file('console.log.0.open'), 'more');
    assert.equal((await readText(0)).data, '0123456789more');
    assert.equal(await rotateConsole(directory, reopen, 10), true);
    print('new');
    assert.equal((await readText(0)).data, '0123456789morenew');
  });

  it('takes up a rotation that QEMU did not answer in time', async () => {
    print('0123456789');
    let isLate = true;
    // It does what it is told all the same.
    const slow = () => {
      print('new');
      return isLate ? Promise.reject(new Error('too late')) : Promise.resolve();
    };
    const rotation = new ConsoleRotation(directory, slow, 10);
    await assert.rejects(rotation.rotate(), /too late/);
    assert.equal((await readText(0)).data, '0123456789');
    isLate = false;
    assert.equal(await rotation.rotate(), true);
    assert.equal((await readText(0)).data, '0123456789newnew');
    assert.equal(await rotation.rotate(), false);
  });

  it('gives nothing of the new file while QEMU may still write into the old one', async () => {
    print('0123456789');
    // With two consoles one goes on in the old file when the other has begun the new one.
    const reopenBoth = async () => {
      print('new');
      assert.equal((await readText(0)).data, '0123456789');
      appendFileSync(directory.file('console.log.0.open'), 'last');
      assert.equal((await readText(0)).data, '0123456789last');
    };
    assert.equal(await rotateConsole(directory, reopenBoth, 10), true);
    assert.equal((await readText(0)).data, '0123456789lastnew');
    assert.deepEqual(readdirSync(directory.path).toSorted(), ['console.log', 'console.log.0']);
  });

  it('gives all of it once QEMU has ended in the middle of a rotation', async () => {
    print('0123456789');
    const crash = () => {
      print('new');
      return Promise.reject(new Error('no answer'));
    };
    await assert.rejects(rotateConsole(directory, crash, 10), /no answer/);
    assert.equal((await readText(0)).data, '0123456789');
    await settleConsole(directory);
    assert.equal((await readText(0)).data, '0123456789new');
    await settleConsole(directory);
    assert.equal(await rotateConsole(directory, reopen, 10), false);
  });

  it('gives each byte its offset while it is rotated', async () => {
    const log = new FileConsoleLog(directory, systemClock);
    let printed = '';
    let isOver = false;
    const reading = (async () => {
      for (let offset = 0; !isOver;) {
        const { data, offset: from, nextOffset } = await log.read(offset, 1000);
        assert.ok(from >= offset, 'nothing is read twice');
        assert.equal(Buffer.from(data).toString(), printed.slice(from, nextOffset));
        offset = nextOffset;
      }
    })();
    for (let line = 0; line < 100; line += 1) {
      printed += `${line}\n`;
      print(`${line}\n`);
      await rotateConsole(directory, reopen, 1);
      // The next is not due before a reader had time to get through.
      await readText(0);
    }
    isOver = true;
    await reading;
  });

  it('follows no symlink that a guest may have put in its place', async () => {
    writeFileSync(join(root, 'secret'), 'secret');
    symlinkSync(join(root, 'secret'), directory.file('console.log'));
    symlinkSync(join(root, 'secret'), directory.file('console.log.0'));
    assert.equal((await readText(0)).data, '');
  });

  it('says at once that there is more when it was printed since the last read', async () => {
    const log = new FileConsoleLog(directory, new FakeClock());
    print('first');
    await log.read(0, 100);
    print('second');
    await log.changed(new AbortController().signal);
  });

  it('wakes a reader when something is printed, and when it gives up', async () => {
    const clock = new FakeClock();
    const log = new FileConsoleLog(directory, clock);
    print('first');
    await log.read(0, 100);
    const abort = new AbortController();
    const waiting = assert.rejects(log.changed(abort.signal), /enough/);
    abort.abort(new Error('enough'));
    await waiting;
    const woken = log.changed(new AbortController().signal);
    await clock.advance(0);
    print('second');
    await woken;
    const late = log.changed(new AbortController().signal);
    await log.read(0, 100);
    await clock.advance(1000);
    await late;
    assert.equal(clock.pendingTimers, 0);
  });
});
