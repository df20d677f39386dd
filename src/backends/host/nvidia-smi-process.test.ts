import assert from 'node:assert/strict';
import { chmodSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

import { FakeClock } from '#kernel/fake-clock.ts';
import { silentLog } from '#kernel/log.ts';
import { openFileTree } from '#test/file-tree.ts';
import type { FileTree } from '#test/file-tree.ts';
import { until } from '#test/until.ts';
import { NvidiaSmiProcess } from './nvidia-smi-process.ts';

const row = (index: number, busy: string) =>
  `${index}, GPU-${index}, NVIDIA A${index}, ${busy}, 1024, 2048, 40, 55.55, [N/A]`;

/** Stands in for nvidia-smi: notes how it was started, and does what the test says. */
class FakeSmi implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly warnings: object[] = [];
  readonly tree: FileTree;
  readonly smi: NvidiaSmiProcess;

  constructor(...script: string[]) {
    this.tree = openFileTree({
      'nvidia-smi': ['#!/bin/sh', 'echo "$$ $*" >>"${0%/*}/starts"', ...script].join('\n'),
      starts: '',
    });
    chmodSync(this.program, 0o755);
    const log = { ...silentLog, warn: (fields: object) => void this.warnings.push(fields) };
    this.smi = new NvidiaSmiProcess({ program: this.program, clock: this.clock, log });
  }

  get program(): string {
    return `${this.tree.root}/nvidia-smi`;
  }

  get starts(): readonly string[] {
    const text = readFileSync(`${this.tree.root}/starts`, 'utf8');
    return text.split('\n').filter((line) => line !== '');
  }

  gpus(count: number) {
    const look = () => {
      const gpus = this.smi.poll(1000);
      return gpus.length === count ? gpus : undefined;
    };
    return until(look, `${count} GPUs`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.smi[Symbol.asyncDispose]();
    this.tree[Symbol.dispose]();
  }
}

const STAY = 'exec sleep 1000';

describe('NvidiaSmiProcess', () => {
  it('starts the program once, and keeps what it says of each GPU', async () => {
    await using fake = new FakeSmi(`echo '${row(1, '7')}'`, `echo '${row(0, '[N/A]')}'`, STAY);
    const gpus = await fake.gpus(2);
    assert.deepEqual(
      gpus.map(({ index, model, utilizationBps }) => [index, model, utilizationBps]),
      [
        [0, 'NVIDIA A0', undefined],
        [1, 'NVIDIA A1', 700],
      ],
    );
    fake.smi.poll(1000);
    assert.equal(fake.starts.length, 1);
    assert.match(fake.starts[0] ?? '', /--query-gpu=index,uuid,.* -l 1$/);
  });

  it('no longer shows a GPU that is not told of any more', async () => {
    await using fake = new FakeSmi(`echo '${row(0, '1')}'`, STAY);
    await fake.gpus(1);
    await fake.clock.advance(4000);
    assert.equal(fake.smi.poll(1000).length, 1);
    await fake.clock.advance(1000);
    assert.equal(fake.smi.poll(1000).length, 0);
  });

  it('remembers the name of a GPU whose name fails', async () => {
    const nameless = row(0, '2').replace('NVIDIA A0', '[Unknown Error]');
    await using fake = new FakeSmi(`echo '${row(0, '1')}'`, `echo '${nameless}'`, STAY);
    const gpu = await until(
      () => fake.smi.poll(1000).find(({ utilizationBps }) => utilizationBps === 200),
      'the second row',
    );
    assert.equal(gpu.model, 'NVIDIA A0');
  });

  it('starts it again when it ends, and later and later while it tells nothing', async () => {
    await using fake = new FakeSmi('echo "Failed to initialize NVML: Unknown Error"', 'exit 9');
    for (const [round, pauseMs] of [2000, 4000, 8000, 16_000].entries()) {
      fake.smi.poll(1000);
      const warning = await until(() => fake.warnings[round], 'a warning');
      assert.equal(Reflect.get(warning, 'pauseMs'), pauseMs);
      await fake.clock.advance(pauseMs - 1);
      fake.smi.poll(1000);
      assert.equal(fake.starts.length, round + 1);
      await fake.clock.advance(1);
    }
    assert.equal(fake.smi.trouble, 'Failed to initialize NVML: Unknown Error');
  });

  it('takes the absence of the program for what it is, and looks again minutes later', async () => {
    await using fake = new FakeSmi(`echo '${row(0, '1')}'`, STAY);
    const smi = new NvidiaSmiProcess({
      ...{ program: `${fake.tree.root}/later`, clock: fake.clock, log: silentLog },
    });
    assert.deepEqual(smi.poll(1000), []);
    await fake.clock.advance(10);
    assert.equal(smi.trouble, undefined);
    fake.tree.write({ later: readFileSync(fake.program, 'utf8') });
    chmodSync(`${fake.tree.root}/later`, 0o755);
    await fake.clock.advance(299_000);
    assert.deepEqual(smi.poll(1000), []);
    assert.equal(fake.starts.length, 0);
    await fake.clock.advance(2000);
    await until(() => (smi.poll(1000).length === 1 ? true : undefined), 'the GPU');
    await smi[Symbol.asyncDispose]();
  });

  it('ends one that has fallen silent, and starts another', async () => {
    await using fake = new FakeSmi(`echo '${row(0, '1')}'`, STAY);
    await fake.gpus(1);
    await fake.clock.advance(31_000);
    fake.smi.poll(1000);
    await until(() => fake.warnings[0], 'its end');
    await fake.clock.advance(2000);
    await fake.gpus(1);
    assert.equal(fake.starts.length, 2);
  });

  it('is not moved by floods without an end of line', async () => {
    await using fake = new FakeSmi(
      'head -c 300000 /dev/zero | tr "\\0" x; echo',
      `echo '${row(0, '1')}'`,
      STAY,
    );
    await fake.gpus(1);
  });

  it('leaves no child behind', async () => {
    const fake = new FakeSmi(`echo '${row(0, '1')}'`, STAY);
    await fake.gpus(1);
    const pid = Number(fake.starts[0]?.split(' ')[0]);
    assert.ok(pid > 0);
    await fake[Symbol.asyncDispose]();
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
    assert.deepEqual(fake.warnings, []);
  });
});
