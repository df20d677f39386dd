/**
 * A VM goes from vSphere by one Drover to another: it becomes a machine of a customer there, and
 * boots from its disk by firmware. What stands for vSphere is govmomi's simulator; QEMU is real.
 */
import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, CUSTOMER, get, OPERATOR, OTHER_CUSTOMER, post, type Json } from '#test/api-client.ts';
import { callDisks } from '#test/disk-api.ts';
import { consoleSays, infoOf, refused } from '#test/demo-vm.ts';
import { DroverHost } from '#test/drover-host.ts';
import { DEMO_READY, makeDemoDisk } from '#test/vsphere/demo-disk.ts';
import { openVSphere, type VSphereFixture } from '#test/vsphere/open-vsphere.ts';

const READY = 'drover-demo ready: ';
const MAC = '00:50:56:12:34:56';
const ENDED = ['completed', 'failed', 'cancelled'];

async function openSource(t: TestContext, directory: string): Promise<VSphereFixture> {
  const nics = [{ network: 'VM Network', mac: MAC }];
  const disks = [{ path: await makeDemoDisk(directory) }];
  const vm = { name: 'web', folder: 'Production', memoryMib: 256, disks, nics };
  const vsphere = await openVSphere({ vms: [vm] });
  t.after(() => vsphere[Symbol.asyncDispose]());
  return vsphere;
}

async function migrate(
  host: DroverHost,
  vsphere: VSphereFixture,
  destination: object,
): Promise<Json> {
  const { url, username, password, trust } = vsphere.login;
  const body = {
    vm_path: 'DC0/vm/Production/web',
    source: { type: 'vsphere', vcenter_url: url, username, password, ca: trust.ca },
    destination: { type: 'drover', customer_id: '123', ready_text: READY, ...destination },
    options: { boot_timeout: '120s' },
  };
  const submitted = await post(host, '/jobs/submit', { body, token: OPERATOR });
  assert.equal(submitted.status, 201, submitted.text);
  for (;;) {
    const { json } = await get(host, `/jobs/${submitted.json.job_id}`, { token: OPERATOR });
    if (ENDED.includes(json.status)) return json;
    await delay(200);
  }
}

describe('a VM in vSphere', () => {
  it('becomes a machine of a customer, and its guest boots from its disk', async (t) => {
    const mover = await DroverHost.start(t);
    const host = await DroverHost.start(t);
    const vsphere = await openSource(t, mover.dataDir);
    const job = await migrate(mover, vsphere, { url: host.url, token: CUSTOMER });
    assert.equal(job.error, null);
    assert.equal(job.status, 'completed');
    const { machine_id: vmId, disks, warnings } = job.result;
    assert.deepEqual(
      warnings.map(({ code }: Json) => code),
      ['guest-not-prepared'],
    );
    await consoleSays(host, vmId, DEMO_READY, { token: CUSTOMER });
    await consoleSays(host, vmId, /drover-demo address: eth0 10\.0\.2\.15/, { token: CUSTOMER });
    const { config, state, customer_id: owner } = await infoOf(host, vmId, CUSTOMER);
    assert.deepEqual([state, owner], ['VM_STATE_RUNNING', '123']);
    assert.deepEqual(config.boot.boot_options, { firmware: 'bios' });
    assert.equal(config.network[0].mac_address, MAC);
    assert.equal(config.metadata['migration.source'], 'DC0/vm/Production/web');
    assert.equal(config.storage[0].interface_type, 'sata');
    const elsewhere = await refused(host, 'GetVmInfo', { vm_id: vmId }, OTHER_CUSTOMER);
    assert.equal(elsewhere.reason, 'VM_NOT_FOUND');
    const path = join(host.imagesDir, disks[0].replace('/assets/', ''));
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.doesNotMatch(JSON.stringify(job) + mover.log, new RegExp(CUSTOMER));
    assert.deepEqual(await readdir(join(mover.dataDir, 'migrations/to-send')), []);
    await ask(host, 'DeleteVm', { vm_id: vmId, force: true }, CUSTOMER);
    assert.deepEqual(await host.machineDirs(), []);
    const [disk] = (await callDisks(host, '')).json.disks;
    assert.deepEqual([disk.state, disk.path], ['ready', disks[0]]);
    assert.equal((await callDisks(host, `/${disk.id}`, { method: 'DELETE' })).status, 204);
  });
});
