import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, renameSync, symlinkSync } from 'node:fs';
import { describe, it } from 'node:test';
import { openFileTree } from '#test/file-tree.ts';
import { ProcReader } from './proc-file.ts';

/** Waits for nothing and ends when told to. */
function startChild() {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = once(child, 'exit');
  return {
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

describe('ProcFile', () => {
  it('reads what the file says now, over one descriptor', () => {
    using tree = openFileTree({ load: '1' });
    using file = new ProcReader().open(`${tree.root}/load`);
    assert.equal(file.number(0), 1);
    const descriptors = readdirSync('/proc/self/fd').length;
    tree.write({ load: '22' });
    assert.equal(file.number(1000), 22);
    assert.equal(readdirSync('/proc/self/fd').length, descriptors);
  });

  it('reads files of any length', () => {
    const lines = Array.from({ length: 40_000 }, (_, line) => `line ${line}`);
    using tree = openFileTree({ long: lines.join('\n') });
    using file = new ProcReader().open(`${tree.root}/long`);
    const scanner = file.require(0);
    assert.equal(scanner.text(0, scanner.end), `${lines.join('\n')}\n`);
  });

  it('reads a file of the kernel that comes in many pieces whole', () => {
    using file = new ProcReader().open('/proc/self/maps');
    const scanner = file.require(0);
    const text = scanner.text(0, scanner.end);
    assert.ok(text.length > 8192, `only ${text.length} bytes`);
    assert.match(text, /^[0-9a-f]+-[0-9a-f]+ /);
    assert.match(text, /\[stack\]\n/);
  });

  it('finds a file again that had gone, and another in its place', async () => {
    using tree = openFileTree({});
    const link = `${tree.root}/stat`;
    using file = new ProcReader().open(link);
    assert.equal(file.scan(0), undefined);
    let firstPid: number;
    {
      await using first = startChild();
      firstPid = first.pid;
      symlinkSync(`/proc/${first.pid}/stat`, link);
      // It was absent a moment ago, and is not looked for at every sample.
      assert.equal(file.scan(1000), undefined);
      assert.equal(file.number(10_000), first.pid);
    }
    assert.equal(file.scan(11_000), undefined);
    await using second = startChild();
    assert.notEqual(second.pid, firstPid);
    symlinkSync(`/proc/${second.pid}/stat`, `${link}-new`);
    renameSync(`${link}-new`, link);
    assert.equal(file.number(21_000), second.pid);
  });

  it('goes over at once to another file that stands where the first has gone', async () => {
    using tree = openFileTree({});
    const link = `${tree.root}/stat`;
    using file = new ProcReader().open(link);
    await using second = startChild();
    {
      await using first = startChild();
      symlinkSync(`/proc/${first.pid}/stat`, link);
      assert.equal(file.number(0), first.pid);
    }
    symlinkSync(`/proc/${second.pid}/stat`, `${link}-new`);
    renameSync(`${link}-new`, link);
    assert.equal(file.number(1000), second.pid);
  });

  it('names the file that has to be there and is not', () => {
    using file = new ProcReader().open('/proc/no-such-file');
    assert.throws(() => file.require(0), /\/proc\/no-such-file cannot be read/);
  });

  it('takes a file that opens and answers an error for absent', () => {
    using tree = openFileTree({ 'directory/x': '' });
    using file = new ProcReader().open(`${tree.root}/directory`);
    assert.equal(file.scan(0), undefined);
  });

  it('closes its descriptor', () => {
    const before = readdirSync('/proc/self/fd').length;
    {
      using file = new ProcReader().open('/proc/self/stat');
      assert.equal(file.number(0), process.pid);
    }
    assert.equal(readdirSync('/proc/self/fd').length, before);
  });
});
