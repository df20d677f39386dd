import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';

import { systemClock } from '#kernel/clock.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { openFileTree } from '#test/file-tree.ts';
import type { FileTree } from '#test/file-tree.ts';
import { until } from '#test/until.ts';
import { MOST_TOP_PROCESSES, ProcessTable } from './process-table.ts';

const SIGNAL = new AbortController().signal;

interface Traits {
  readonly name?: string;
  readonly ticks: number;
  readonly pages?: number;
  readonly start?: number;
}

function statLine(pid: number, { name = `p${pid}`, ticks, pages = 10, start = 5 }: Traits): string {
  return `${pid} (${name}) S 1 1 1 0 -1 0 0 0 0 0 ${ticks} 0 0 0 20 0 2 0 ${start} 0 ${pages} 0`;
}

class Fixture implements Disposable {
  readonly clock = new FakeClock();
  readonly tree: FileTree = openFileTree({ version: 'Linux' });
  readonly processes = new ProcessTable({ procRoot: this.tree.root, clock: this.clock });

  set(pid: number, traits: Traits): void {
    this.tree.write({ [`${pid}/stat`]: statLine(pid, traits) });
  }

  async top(by: 'cpu' | 'memory', limit = 10, meanwhile?: () => void) {
    const answer = this.processes.top({ by, limit }, SIGNAL);
    await this.clock.advance(0);
    meanwhile?.();
    await this.clock.advance(200);
    return await answer;
  }

  [Symbol.dispose](): void {
    this.tree[Symbol.dispose]();
  }
}

describe('ProcessTable', () => {
  it('takes two readings at first, and ranks by what was used between them', async () => {
    using fixture = new Fixture();
    fixture.set(1, { ticks: 90_000 });
    fixture.set(7, { ticks: 100 });
    fixture.set(8, { ticks: 100, pages: 5000 });
    const found = await fixture.top('cpu', 2, () => {
      fixture.set(7, { ticks: 110 });
      fixture.set(8, { ticks: 140 });
    });
    assert.deepEqual(found, [
      {
        ...{ pid: 8, name: 'p8', userId: process.getuid?.(), cpuBps: 20_000 },
        ...{ memoryBytes: 10 * 4096, state: 'S', threads: 2 },
      },
      {
        ...{ pid: 7, name: 'p7', userId: process.getuid?.(), cpuBps: 5000 },
        ...{ memoryBytes: 10 * 4096, state: 'S', threads: 2 },
      },
    ]);
  });

  it('compares with the call before when that was just now, and else begins anew', async () => {
    using fixture = new Fixture();
    fixture.set(1, { ticks: 0 });
    await fixture.top('memory');
    await fixture.clock.advance(4000);
    fixture.set(1, { ticks: 200 });
    const [soon] = await fixture.processes.top({ by: 'cpu', limit: 1 }, SIGNAL);
    assert.equal(soon?.cpuBps, 5000);
    await fixture.clock.advance(3_600_000);
    fixture.set(1, { ticks: 100_000 });
    const [late] = await fixture.top('cpu');
    assert.equal(late?.cpuBps, 0);
  });

  it('counts a new process from its start, also under a number used before', async () => {
    using fixture = new Fixture();
    fixture.set(1, { ticks: 5000, start: 5 });
    const found = await fixture.top('cpu', 10, () => {
      fixture.set(1, { ticks: 4, start: 99 });
      fixture.set(2, { ticks: 2, start: 99 });
    });
    assert.deepEqual(
      found.map(({ pid, cpuBps }) => [pid, cpuBps]),
      [
        [1, 2000],
        [2, 1000],
      ],
    );
  });

  it('passes over processes that end meanwhile or are hidden', async () => {
    using fixture = new Fixture();
    fixture.set(1, { ticks: 1 });
    fixture.set(2, { ticks: 1 });
    fixture.tree.write({ '3/status': 'no stat', '4/stat': '' });
    const found = await fixture.top('memory', 10, () => fixture.tree.remove('2'));
    assert.deepEqual(
      found.map(({ pid }) => pid),
      [1],
    );
  });

  it('answers several at once from one pair of readings, and each can give up', async () => {
    using fixture = new Fixture();
    fixture.set(1, { ticks: 1 });
    const stop = new AbortController();
    const given = fixture.processes.top({ by: 'cpu', limit: 1 }, stop.signal);
    const kept = fixture.processes.top({ by: 'memory', limit: 1 }, SIGNAL);
    await fixture.clock.advance(0);
    assert.equal(fixture.clock.pendingTimers, 1);
    stop.abort(new Error('enough'));
    await assert.rejects(given, /enough/);
    await fixture.clock.advance(200);
    assert.equal((await kept).length, 1);
  });

  it('is bounded', async () => {
    using fixture = new Fixture();
    for (let pid = 1; pid <= MOST_TOP_PROCESSES + 20; pid += 1) fixture.set(pid, { ticks: pid });
    assert.equal((await fixture.top('cpu', 1_000_000)).length, MOST_TOP_PROCESSES);
    assert.equal((await fixture.top('cpu', -1)).length, 0);
  });

  it('finds a busy process of this host', async () => {
    const busy = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
    try {
      await once(busy, 'spawn');
      const processes = new ProcessTable({ procRoot: '/proc', clock: systemClock });
      // On a busy host it may not get a turn between two looks.
      await until(async () => {
        const found = await processes.top({ by: 'cpu', limit: 50 }, SIGNAL);
        return found.find(({ pid, cpuBps }) => pid === busy.pid && cpuBps > 500);
      }, 'the busy process');
      const [self] = (await processes.top({ by: 'memory', limit: 200 }, SIGNAL)).filter(
        ({ pid }) => pid === process.pid,
      );
      const { rss } = process.memoryUsage();
      assert.ok(self !== undefined && Math.abs(self.memoryBytes - rss) < rss / 3);
    } finally {
      busy.kill('SIGKILL');
      await once(busy, 'exit');
    }
  });
});
