/** FleetClient of the package @drover/client, against a real listener. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FleetClient } from '#clients/ts/src/fleet-client.ts';
import { DroverApiError } from '#clients/ts/src/drover-api-error.ts';
import { FakeFleet, openFleetListener, role } from '#test/fleet-fixture.ts';

describe('FleetClient', () => {
  it('reads servers, and the parts of one', async () => {
    await using fake = new FakeFleet();
    await fake.watchDocumented();
    await using open = await openFleetListener(fake);
    const client = new FleetClient(open.url);
    assert.equal((await client.health()).version, '1.2.3');
    assert.equal((await client.overview()).total_servers, 3);
    assert.deepEqual(
      (await client.servers()).map(({ id, status }) => `${id} ${status}`),
      ['gpu-1 online', 'pve-1 online', 'nas-1 online'],
    );
    assert.equal((await client.server('nas-1')).qdrant?.collections, 3);
    assert.equal((await client.aiServer()).gpu?.temperature, 72);
    assert.equal((await client.appServer()).proxmox_host.vm_count, 1);
    assert.equal((await client.storageServer()).filesystems.length, 1);
    assert.equal((await client.vm('pve-1', 100)).name, 'user-vm');
    assert.equal((await client.fileSystem('nas-1', '/mnt/ingest')).file_count, 15420);
    await assert.rejects(client.vm('pve-1', 101), (error) => {
      assert.ok(error instanceof DroverApiError);
      assert.deepEqual([error.status, error.reason], [404, 'VM_NOT_FOUND']);
      return true;
    });
  });

  it('follows, with its token, and goes on where it was when the line was cut', async () => {
    await using fake = new FakeFleet();
    await fake.watchDocumented();
    let open = await openFleetListener(fake, { isClosed: true });
    const { port } = open;
    const client = new FleetClient(open.url, { token: 'dev_operator' });
    const heard: string[] = [];
    let waiting = Promise.withResolvers<void>();
    const watch = client.watch(
      {
        onServer: (name, { server_status: { status } }) => void heard.push(`${name} ${status}`),
        onOverview: () => waiting.resolve(),
        onLost: () => heard.push('lost'),
      },
      { servers: ['gpu-1', 'storage_server', 'overview'] },
    );
    await waiting.promise;
    assert.deepEqual(heard.splice(0), ['gpu-1 online', 'storage_server online']);
    waiting = Promise.withResolvers<void>();
    const draining = open[Symbol.asyncDispose]();
    fake.alerts.set(role('gpu-1').id, { critical: 0, warning: 1, info: 0 });
    await fake.clock.advance(1000);
    await draining;
    open = await openFleetListener(fake, { isClosed: true, port });
    await waiting.promise;
    watch.close();
    await open[Symbol.asyncDispose]();
    assert.deepEqual(heard, ['lost', 'gpu-1 warning']);
  });
});
