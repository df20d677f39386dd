/** Several hosts on one PostgreSQL: any of them takes a request, the owner of the machine acts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HostId } from '#kernel/ids.ts';
import { ask, smallConfig } from '#test/api-client.ts';
import { openTestServer } from '#test/drover-server.ts';
import { openPostgres } from '#test/postgres.ts';

describe('two hosts on one PostgreSQL', () => {
  it('see the same machines, and commands find the host that owns one', async () => {
    await using postgres = await openPostgres();
    const databaseUrl = postgres.url;
    const [hostA, hostB] = ['host-a' as HostId, 'host-b' as HostId];
    await using a = await openTestServer({ databaseUrl, config: { hostId: hostA } });
    await using b = await openTestServer({ databaseUrl, config: { hostId: hostB } });
    await ask(a, 'CreateVm', { vm_id: 'on-a', config: smallConfig() });
    assert.equal((await ask(b, 'GetVmInfo', { vm_id: 'on-a' })).state, 'VM_STATE_CREATED');

    const booted = await ask(b, 'BootVm', { vm_id: 'on-a' });
    assert.equal(booted.state, 'VM_STATE_RUNNING');
    assert.deepEqual([a.host.processes.size, b.host.processes.size], [1, 0]);

    const listed = await ask(b, 'ListVms', { state_filter: ['VM_STATE_RUNNING'] });
    assert.deepEqual([listed.total_count, listed.vms[0].vm_id], [1, 'on-a']);
    const stopped = await ask(b, 'ShutdownVm', { vm_id: 'on-a' });
    assert.equal(stopped.outcome, 'guest');
    await ask(b, 'DeleteVm', { vm_id: 'on-a' });
    assert.equal((await ask(a, 'ListVms', {})).total_count, 0);
  });

  it('leave the machines of a host alone that is away', async () => {
    await using postgres = await openPostgres();
    const databaseUrl = postgres.url;
    const [hostA, hostB] = ['host-a' as HostId, 'host-b' as HostId];
    await using b = await openTestServer({ databaseUrl, config: { hostId: hostB } });
    {
      await using a = await openTestServer({ databaseUrl, config: { hostId: hostA } });
      await ask(a, 'CreateVm', { vm_id: 'on-a', config: smallConfig() });
      await ask(a, 'BootVm', { vm_id: 'on-a' });
    }
    await using again = await openTestServer({ databaseUrl, config: { hostId: hostB } });
    for (const server of [b, again]) {
      assert.equal((await ask(server, 'GetVmInfo', { vm_id: 'on-a' })).state, 'VM_STATE_RUNNING');
    }
  });
});
