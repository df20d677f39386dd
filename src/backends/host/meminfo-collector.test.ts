import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HostFixture } from '#test/host-fixture.ts';

function openMemory(...lines: string[]): HostFixture {
  return new HostFixture({
    collectors: ['meminfo', 'vmstat'],
    files: { 'proc/meminfo': lines.join('\n'), 'proc/vmstat': 'nr_free_pages 9\npgfault 12' },
  });
}

const MEMORY = ['MemTotal:       24684096 kB', 'MemFree:        14150108 kB'];
const SWAP = ['SwapTotal:  1000 kB', 'SwapFree: 750 kB'];

describe('the meminfo collector', () => {
  it('tells every line, in bytes where it is in kB', async () => {
    await using host = openMemory(...MEMORY, 'Active(anon):  1568 kB', 'HugePages_Total:       3');
    await host.tick();
    assert.deepEqual(host.values('node_memory_'), {
      node_memory_MemTotal_bytes: 24_684_096 * 1024,
      node_memory_MemFree_bytes: 14_150_108 * 1024,
      node_memory_Active_anon_bytes: 1568 * 1024,
      node_memory_HugePages_Total: 3,
    });
  });

  it('takes for used what is not available', async () => {
    await using host = openMemory(
      'MemTotal: 1000 kB',
      'MemFree: 100 kB',
      'MemAvailable: 600 kB',
      ...SWAP,
    );
    const { memory } = await host.tick();
    assert.deepEqual(memory, {
      totalBytes: 1000 * 1024,
      freeBytes: 100 * 1024,
      availableBytes: 600 * 1024,
      usedBytes: 400 * 1024,
      swapTotalBytes: 1000 * 1024,
      swapUsedBytes: 250 * 1024,
    });
    assert.equal(host.value('drover_memory_used_percent'), 40);
    assert.equal(host.value('drover_swap_used_percent'), 25);
  });

  it('tells no share of swap where there is none', async () => {
    await using host = openMemory(...MEMORY, 'SwapTotal: 0 kB', 'SwapFree: 0 kB');
    const { memory } = await host.tick();
    assert.equal(memory?.swapUsedBytes, 0);
    assert.equal(host.value('drover_swap_used_percent'), undefined);
  });

  it('does not keep what a line said that is no more', async () => {
    await using host = openMemory('MemTotal: 1000 kB', 'MemAvailable: 600 kB');
    await host.tick();
    host.tree.write({ 'proc/meminfo': 'MemTotal: 1000 kB\nMemFree: 5 kB' });
    const { memory } = await host.tick();
    assert.equal(memory?.availableBytes, undefined);
    assert.equal(memory?.usedBytes, undefined);
    assert.deepEqual(Object.keys(host.values('node_memory_')), [
      'node_memory_MemTotal_bytes',
      'node_memory_MemFree_bytes',
    ]);
  });

  it('fails when the size of the memory is not to be found', async () => {
    await using host = openMemory('MemTotal: much kB', 'Cached: 12 kB');
    await assert.rejects(host.tick(), /meminfo does not tell how much memory there is/);
    assert.equal(host.value('node_memory_Cached_bytes'), 12 * 1024);
  });
});

describe('the vmstat collector', () => {
  it('tells what has to do with paging, swapping and running out of memory', async () => {
    await using host = openMemory(...MEMORY);
    const lines = ['nr_free_pages 1', 'pgpgin 2', 'pswpout 3', 'pgmajfault 4', 'oom_kill 5'];
    host.tree.write({ 'proc/vmstat': [...lines, 'pgalloc_dma 6', 'thp_fault_alloc 7'].join('\n') });
    await host.tick();
    assert.deepEqual(host.values('node_vmstat_'), {
      node_vmstat_pgpgin: 2,
      node_vmstat_pswpout: 3,
      node_vmstat_pgmajfault: 4,
      node_vmstat_oom_kill: 5,
    });
  });
});
