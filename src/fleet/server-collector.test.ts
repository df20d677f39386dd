import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SampleTable } from '#metrics/sample-table.ts';
import { exporter, watched } from '#test/fake-feeds.ts';
import { ServerCollector } from './server-collector.ts';
import type { ServerSnapshot } from './server-snapshot.ts';

function snapshotOf(id: string, changes: Partial<ServerSnapshot> = {}): ServerSnapshot {
  return {
    ...{ server: watched(id, exporter(`http://${id}`)), status: 'online', reasons: [] },
    ...{ updatedAt: 1, responseMs: 12.5, reading: {}, sources: [], alerts: 0, revision: 1 },
    ...changes,
  };
}

function open(servers: readonly ServerSnapshot[], mostSeries?: number) {
  const table = new SampleTable();
  const told: number[] = [];
  const collector = new ServerCollector({
    ...{ fleet: { list: () => servers }, table, onFull: (most) => told.push(most) },
    ...(mostSeries !== undefined && { mostSeries }),
  });
  const tick = () => {
    collector.collect();
    table.endTick();
  };
  const valueOf = (name: string, labels: Readonly<Record<string, string>>) =>
    table.find(`drover_server_${name}`)?.series(labels).value;
  return { table, told, tick, valueOf };
}

describe('ServerCollector', () => {
  it('has a series of its own for each server and thing, and none of what is unknown', () => {
    const filesystem = {
      ...{ mountPoint: '/', device: 'sda1', fstype: 'ext4', totalBytes: 200, usedBytes: 50 },
      ...{ availableBytes: 150, files: 1, filesTotal: 2 },
      ...{ largestFileBytes: undefined, isReadOnly: false },
    };
    const reading = { filesystems: [filesystem], uptimeSeconds: undefined };
    const { tick, valueOf } = open([snapshotOf('a', { reading }), snapshotOf('b')]);
    tick();
    assert.equal(valueOf('filesystem_used_percent', { server: 'a', mountpoint: '/' }), 2500);
    assert.equal(valueOf('status', { server: 'b', status: 'online' }), 1);
    assert.equal(valueOf('status', { server: 'b', status: 'offline' }), 0);
    assert.equal(valueOf('response_seconds', { server: 'b' }), 125);
    assert.equal(valueOf('uptime_seconds', { server: 'a' }), undefined);
  });

  it('reads a snapshot once, and has its values in every tick until there is another one', () => {
    let reads = 0;
    const reading = {
      get uptimeSeconds() {
        reads += 1;
        return 7;
      },
    };
    const servers = [snapshotOf('a', { reading })];
    const { table, tick, valueOf } = open(servers);
    for (let at = 0; at < 5; at += 1) tick();
    assert.equal(reads, 1);
    assert.equal(valueOf('uptime_seconds', { server: 'a' }), 7);
    servers[0] = snapshotOf('a', { alerts: 3 });
    tick();
    assert.equal(valueOf('alerts', { server: 'a' }), 3);
    const uptime = table.find('drover_server_uptime_seconds')?.series({ server: 'a' }).value;
    assert.ok(Number.isNaN(uptime));
  });

  it('makes the series of many servers in several ticks', () => {
    const servers = Array.from({ length: 1000 }, (_, at) => snapshotOf(`s${at}`));
    const { table, tick } = open(servers);
    const counts = [];
    for (let at = 0; at < 4; at += 1) {
      tick();
      counts.push(table.seriesCount);
    }
    assert.deepEqual(counts, [2000, 4000, 6000, 6000]);
  });

  it('leaves out what is over the bound, says so once, and has room when one is gone', () => {
    const servers = [snapshotOf('a'), snapshotOf('b')];
    const { table, told, tick, valueOf } = open(servers, 8);
    tick();
    tick();
    assert.equal(table.seriesCount, 8);
    assert.deepEqual(told, [8]);
    servers.shift();
    tick();
    tick();
    assert.equal(valueOf('alerts', { server: 'b' }), 0);
  });
});
