/**
 * A VM goes from vSphere by one Drover to another: it becomes a machine of a customer there, and
 * boots from its disk by firmware. What stands for vSphere is govmomi's simulator; QEMU is real.
 */
import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { request as requestHttp } from 'node:http';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, CUSTOMER, get, OPERATOR, OTHER_CUSTOMER, post, type Json } from '#test/api-client.ts';
import { callDisks } from '#test/disk-api.ts';
import { consoleSays, infoOf, refused } from '#test/demo-vm.ts';
import { DroverHost } from '#test/drover-host.ts';
import { openServer } from '#test/loopback-server.ts';
import { until } from '#test/until.ts';
import { DEMO_READY, makeDemoDisk } from '#test/vsphere/demo-disk.ts';
import { openVSphere, type VSphereFixture } from '#test/vsphere/open-vsphere.ts';

const READY = 'drover-demo ready: ';
const MAC = '00:50:56:12:34:56';
const ENDED = ['completed', 'failed', 'cancelled'];
const SECOND_MS = 1000;
const LIMIT = 1024 * 1024;

async function openSource(t: TestContext, directory: string): Promise<VSphereFixture> {
  const nics = [{ network: 'VM Network', mac: MAC }];
  const disks = [{ path: await makeDemoDisk(directory) }];
  const vm = { name: 'web', folder: 'Production', memoryMib: 256, disks, nics };
  const vsphere = await openVSphere({ vms: [vm] });
  t.after(() => vsphere[Symbol.asyncDispose]());
  return vsphere;
}

async function submit(
  host: DroverHost,
  vsphere: VSphereFixture,
  destination: object,
): Promise<string> {
  const { url, username, password, trust } = vsphere.login;
  const body = {
    vm_path: 'DC0/vm/Production/web',
    source: { type: 'vsphere', vcenter_url: url, username, password, ca: trust.ca },
    destination: { type: 'drover', customer_id: '123', ready_text: READY, ...destination },
    options: { boot_timeout: '120s' },
  };
  const submitted = await post(host, '/jobs/submit', { body, token: OPERATOR });
  assert.equal(submitted.status, 201, submitted.text);
  return submitted.json.job_id;
}

async function look(host: DroverHost, id: string): Promise<Json> {
  return (await get(host, `/jobs/${id}`, { token: OPERATOR })).json;
}

async function finish(host: DroverHost, id: string): Promise<Json> {
  for (;;) {
    const job = await look(host, id);
    if (ENDED.includes(job.status)) return job;
    await delay(200);
  }
}

async function limit(host: DroverHost, id: string, rate: number | null): Promise<void> {
  const answer = await fetch(`${host.url}/jobs/${id}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${OPERATOR}` },
    body: JSON.stringify({ bandwidth_limit: rate }),
  });
  assert.equal(answer.status, 200, await answer.text());
}

/** A way to a Drover that holds back whoever announces a disk, and counts what is sent of disks. */
async function openGate(t: TestContext, url: string) {
  const [reached, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const gate = { url: '', sentBytes: 0, reached: reached.promise, open: () => opened.resolve() };
  const server = await openServer((incoming, outgoing) => {
    const { method, url: path = '', headers } = incoming;
    const pass = () => {
      // A kept connection may be closed just as it is used again.
      const onward = requestHttp(`${url}${path}`, { method, headers, agent: false }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(outgoing);
      });
      onward.on('error', () => outgoing.destroy());
      incoming.pipe(onward);
    };
    if (method === 'PATCH') {
      incoming.on('data', (bytes: Buffer) => (gate.sentBytes += bytes.length));
    }
    if (method !== 'POST' || path !== '/v1/disks') {
      pass();
      return;
    }
    reached.resolve();
    void opened.promise.then(pass);
  });
  t.after(() => server[Symbol.asyncDispose]());
  return Object.assign(gate, { url: server.url });
}

interface Mark {
  readonly atMs: number;
  readonly bytes: number;
}

/** Its disk is sent slowly at first, and then as fast as can be. */
async function watchSending(
  mover: DroverHost,
  id: string,
  gate: Awaited<ReturnType<typeof openGate>>,
): Promise<void> {
  await gate.reached;
  await limit(mover, id, LIMIT);
  gate.open();
  const sent = async (bytes: number): Promise<Mark> => {
    await until(() => (gate.sentBytes >= bytes ? true : undefined), `${bytes} bytes`);
    return { atMs: performance.now(), bytes: gate.sentBytes };
  };
  /** As it would take at the limit, with what was saved up before. */
  const shareOfLimit = (from: Mark, to: Mark) =>
    ((to.bytes - from.bytes) / LIMIT - 0.5) / ((to.atMs - from.atMs) / SECOND_MS);
  const first = await sent(LIMIT / 2);
  const second = await sent(2 * LIMIT);
  assert.ok(shareOfLimit(first, second) < 1, JSON.stringify([first, second]));
  const { progress } = await look(mover, id);
  assert.deepEqual([progress.stage, progress.current_step], ['send', 'sending disk 1 of 1']);
  assert.ok(progress.bytes_per_second < 2 * LIMIT, JSON.stringify(progress));
  await limit(mover, id, null);
  const last = await sent(second.bytes + 8 * LIMIT);
  assert.ok(shareOfLimit(second, last) > 2, JSON.stringify([second, last]));
}

describe('a VM in vSphere', () => {
  it('becomes a machine of a customer, and its guest boots from its disk', async (t) => {
    const mover = await DroverHost.start(t);
    const host = await DroverHost.start(t);
    const vsphere = await openSource(t, mover.dataDir);
    const gate = await openGate(t, host.url);
    const id = await submit(mover, vsphere, { url: gate.url, token: CUSTOMER });
    await watchSending(mover, id, gate);
    const job = await finish(mover, id);
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
