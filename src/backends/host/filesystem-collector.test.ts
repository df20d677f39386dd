import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { FakeClock } from '#kernel/fake-clock.ts';
import { silentLog } from '#kernel/log.ts';
import { SampleTable } from '#metrics/sample-table.ts';
import { collectSamples } from '#test/collected-samples.ts';
import { openFileTree } from '#test/file-tree.ts';
import type { FileTree } from '#test/file-tree.ts';
import { FilesystemCollector } from './filesystem-collector.ts';
import { DEFAULT_MOUNT_FILTER } from './filesystem-mounts.ts';
import type { FilesystemSpace, StatfsQuestion } from './statfs-question.ts';

const SPACE: FilesystemSpace = {
  sizeBytes: 1000,
  freeBytes: 400,
  availableBytes: 300,
  files: 200,
  freeFiles: 50,
};
const LOCAL = '/dev/a / ext4 rw 0 0';
const OTHER_LOCAL = '/dev/b /srv xfs rw 0 0';
const REMOTE = 'server:/x /x nfs4 rw 0 0';

/** Answers at once, but for paths that are told to hang. */
class FakeDisks {
  readonly asked: string[] = [];
  readonly hanging = new Map<string, PromiseWithResolvers<FilesystemSpace>>();
  abandoned = 0;

  ask(how: string, path: string): StatfsQuestion {
    this.asked.push(`${how} ${path}`);
    const answer = this.hanging.get(path)?.promise ?? Promise.resolve(SPACE);
    return { answer, abandon: () => void (this.abandoned += 1) };
  }

  hang(path: string): void {
    this.hanging.set(path, Promise.withResolvers());
  }

  takeAsked(): string[] {
    return this.asked.splice(0);
  }
}

class Fixture implements Disposable {
  readonly clock = new FakeClock();
  readonly table = new SampleTable();
  readonly disks = new FakeDisks();
  readonly tree: FileTree;
  readonly collector: FilesystemCollector;

  constructor(...mounts: string[]) {
    this.tree = openFileTree({ '1/mounts': mounts.join('\n') });
    this.collector = new FilesystemCollector({
      ...{ table: this.table, clock: this.clock, log: silentLog, filter: DEFAULT_MOUNT_FILTER },
      procRoot: this.tree.root,
      askLocal: (path) => this.disks.ask('local', path),
      askRemote: (path) => this.disks.ask('remote', path),
    });
  }

  /** Without moving the clock: nothing may be waited for. */
  async collect(): Promise<Readonly<Record<string, number>>> {
    const { values } = await collectSamples(this.collector, this.table, this.clock);
    return values;
  }

  /** Lets the deadlines pass. */
  async collectSlowly(): Promise<Readonly<Record<string, number>>> {
    const sample = this.collect();
    await this.clock.advance(1000);
    return await sample;
  }

  [Symbol.dispose](): void {
    this.tree[Symbol.dispose]();
  }
}

const at = (device: string, fstype: string, mountpoint: string) =>
  `{device="${device}",fstype="${fstype}",mountpoint="${mountpoint}"}`;
const ROOT = at('/dev/a', 'ext4', '/');
const SRV = at('/dev/b', 'xfs', '/srv');
const X = at('server:/x', 'nfs4', '/x');

describe('FilesystemCollector', () => {
  it('shows room, file nodes and their shares', async () => {
    using fixture = new Fixture(LOCAL);
    assert.deepEqual(await fixture.collect(), {
      [`node_filesystem_size_bytes${ROOT}`]: 1000,
      [`node_filesystem_free_bytes${ROOT}`]: 400,
      [`node_filesystem_avail_bytes${ROOT}`]: 300,
      [`node_filesystem_files${ROOT}`]: 200,
      [`node_filesystem_files_free${ROOT}`]: 50,
      [`node_filesystem_readonly${ROOT}`]: 0,
      [`node_filesystem_device_error${ROOT}`]: 0,
      [`drover_filesystem_used_percent${ROOT}`]: 66.67,
      [`drover_filesystem_inodes_used_percent${ROOT}`]: 75,
    });
  });

  it('has no share of inodes where a filesystem makes them as it goes', async () => {
    using fixture = new Fixture(LOCAL);
    fixture.disks.hang('/');
    fixture.disks.hanging.get('/')?.resolve({ ...SPACE, files: 0, freeFiles: 0 });
    const values = await fixture.collect();
    assert.equal(values[`node_filesystem_files${ROOT}`], 0);
    assert.equal(values[`drover_filesystem_inodes_used_percent${ROOT}`], undefined);
  });

  it('asks those with somebody behind them seldom, and lets their last answer stand', async () => {
    using fixture = new Fixture(LOCAL, REMOTE);
    await fixture.collect();
    assert.deepEqual(fixture.disks.takeAsked(), ['local /', 'remote /x']);
    await fixture.clock.advance(14_000);
    const values = await fixture.collect();
    assert.equal(values[`node_filesystem_size_bytes${X}`], 1000);
    assert.deepEqual(fixture.disks.takeAsked(), ['local /']);
    await fixture.clock.advance(1000);
    await fixture.collect();
    assert.deepEqual(fixture.disks.takeAsked(), ['local /', 'remote /x']);
  });

  it('waits once for one that hangs, and never asks it again before it has answered', async () => {
    using fixture = new Fixture(LOCAL, REMOTE);
    const { disks } = fixture;
    disks.hang('/x');
    const first = await fixture.collectSlowly();
    assert.equal(first[`node_filesystem_device_error${X}`], 1);
    assert.equal(first[`node_filesystem_size_bytes${X}`], undefined);
    assert.equal(first[`node_filesystem_size_bytes${ROOT}`], 1000);
    assert.equal(disks.abandoned, 1);
    disks.takeAsked();
    await fixture.clock.advance(3_600_000);
    const later = await fixture.collect();
    assert.equal(later[`node_filesystem_device_error${X}`], 1);
    assert.equal(later[`node_filesystem_size_bytes${ROOT}`], 1000);
    assert.deepEqual(disks.takeAsked(), ['local /']);

    disks.hanging.get('/x')?.resolve(SPACE);
    disks.hanging.delete('/x');
    await fixture.clock.advance(0);
    const back = await fixture.collect();
    assert.equal(back[`node_filesystem_device_error${X}`], 0);
    assert.deepEqual(disks.takeAsked(), ['local /', 'remote /x']);
  });

  it('does not wait for one that hung before, and asks it less and less often', async () => {
    using fixture = new Fixture(LOCAL, REMOTE);
    const { disks, clock } = fixture;
    const pausesMs: number[] = [];
    for (let round = 0; round < 7; round += 1) {
      disks.hang('/x');
      let waitedMs = 0;
      disks.takeAsked();
      if (round === 0) await fixture.collectSlowly();
      while (round > 0 && !disks.takeAsked().includes('remote /x')) {
        await clock.advance(1000);
        waitedMs += 1000;
        // The clock stands still: it could not wait for a deadline.
        await fixture.collect();
      }
      await clock.advance(1000);
      // A child that was killed.
      disks.hanging.get('/x')?.reject(new Error('killed'));
      await clock.advance(0);
      if (round > 0) pausesMs.push(waitedMs);
    }
    assert.equal(disks.abandoned, 7);
    assert.ok(
      pausesMs.every((ms, index) => ms >= (pausesMs[index - 1] ?? 0)),
      pausesMs.join(),
    );
    assert.ok((pausesMs[0] ?? 0) >= 14_000 && (pausesMs.at(-1) ?? Infinity) <= 301_000);
  });

  it('loses one thread at most: once a local one hangs, children ask for the others', async () => {
    using fixture = new Fixture(LOCAL, OTHER_LOCAL);
    const { disks } = fixture;
    disks.hang('/');
    const values = await fixture.collectSlowly();
    assert.deepEqual(disks.takeAsked(), ['local /', 'remote /srv']);
    assert.equal(values[`node_filesystem_device_error${ROOT}`], 1);
    assert.equal(values[`node_filesystem_size_bytes${SRV}`], 1000);
    disks.hanging.get('/')?.resolve(SPACE);
    disks.hanging.delete('/');
    await fixture.clock.advance(60_000);
    await fixture.collect();
    assert.deepEqual(disks.takeAsked(), ['local /', 'local /srv']);
  });

  it('asks any number that answer, and no more than a few dozen that do not', async () => {
    const mounts = Array.from({ length: 100 }, (_, index) => `server:/x /x${index} nfs4 rw 0 0`);
    using fixture = new Fixture(LOCAL, ...mounts);
    const { disks } = fixture;
    const countOf = (values: Readonly<Record<string, number>>, name: string) =>
      Object.keys(values).filter((key) => key.startsWith(name) && key.includes('nfs4')).length;
    const healthy = await fixture.collect();
    assert.equal(countOf(healthy, 'node_filesystem_size_bytes'), 100);
    for (let index = 0; index < 100; index += 1) disks.hang(`/x${index}`);
    await fixture.clock.advance(15_000);
    disks.takeAsked();
    const dead = await fixture.collectSlowly();
    assert.equal(disks.takeAsked().length, 1 + 32);
    // Of those that were not asked any more, nothing is claimed either.
    assert.equal(countOf(dead, 'node_filesystem_size_bytes'), 0);
    assert.equal(countOf(dead, 'node_filesystem_device_error'), 100);
    assert.equal(dead[`node_filesystem_size_bytes${ROOT}`], 1000);
    for (const { resolve } of disks.hanging.values()) resolve(SPACE);
    disks.hanging.clear();
    await fixture.clock.advance(60_000);
    const back = await fixture.collect();
    assert.equal(countOf(back, 'node_filesystem_size_bytes'), 100);
  });

  it('keeps to a mount that was lost and made again while a call for its path is out', async () => {
    using fixture = new Fixture(REMOTE);
    const { disks, tree } = fixture;
    disks.hang('/x');
    await fixture.collectSlowly();
    disks.takeAsked();
    tree.write({ '1/mounts': LOCAL });
    await fixture.collect();
    tree.write({ '1/mounts': 'other:/x /x nfs4 rw 0 0' });
    await fixture.clock.advance(3_600_000);
    await fixture.collect();
    assert.deepEqual(disks.takeAsked(), ['local /']);
  });

  it('shows that one answered with an error, and forgets one that is unmounted', async () => {
    using fixture = new Fixture(LOCAL, OTHER_LOCAL);
    fixture.disks.hang('/srv');
    fixture.disks.hanging.get('/srv')?.reject(new Error('EIO'));
    const values = await fixture.collect();
    assert.equal(values[`node_filesystem_device_error${SRV}`], 1);
    fixture.tree.write({ '1/mounts': LOCAL });
    const later = await fixture.collect();
    assert.equal(later[`node_filesystem_device_error${SRV}`], undefined);
    assert.equal(later[`node_filesystem_device_error${ROOT}`], 0);
  });

  it('takes its own mounts when those of process 1 are hidden, and fails without any', async () => {
    using fixture = new Fixture(LOCAL);
    fixture.tree.remove('1/mounts');
    await assert.rejects(fixture.collect(), { code: 'ENOENT' });
    fixture.tree.write({ 'self/mounts': OTHER_LOCAL });
    assert.equal((await fixture.collect())[`node_filesystem_size_bytes${SRV}`], 1000);
  });
});
