/** How the double of vSphere gives disks away: by a lease, and as files of a datastore. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';

import { FakeClock } from '#kernel/fake-clock.ts';
import { until } from '#test/until.ts';
import { openVSphere } from './open-vsphere.ts';
import type { VSphereFixture, VSphereOptions } from './open-vsphere.ts';
import { referenceOf } from './soap-message.ts';
import type { Reference } from './soap-message.ts';
import { SoapProbe } from './soap-probe.ts';
import { childOf, textOf } from './xml-element.ts';
import type { XmlElement } from './xml-element.ts';

const MIB = 1024 * 1024;
const CAPACITY = 36 * MIB;

let directory: string;
let raw: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'drover-transports-test-'));
  raw = join(directory, 'disk.raw');
  await writeFile(raw, randomBytes(MIB));
  await truncate(raw, CAPACITY);
  await using file = await open(raw, 'r+');
  await file.write(randomBytes(100_000), 0, 100_000, 35 * MIB + 4096);
});
after(() => rm(directory, { recursive: true, force: true }));

const qemuImg = async (...args: string[]) => await promisify(execFile)('qemu-img', args);

interface Leased {
  readonly vsphere: VSphereFixture;
  readonly probe: SoapProbe;
  readonly lease: Reference;
  readonly info: XmlElement | undefined;
  /** Of the first disk. */
  readonly path: string;
}

async function openProbe(t: TestContext, options: VSphereOptions = {}) {
  const vsphere = await openVSphere({ vms: [{ name: 'web', disks: [{ path: raw }] }], ...options });
  t.after(() => vsphere[Symbol.asyncDispose]());
  const probe = new SoapProbe(vsphere);
  await probe.login();
  return { vsphere, probe };
}

async function openLease(t: TestContext, options: VSphereOptions = {}): Promise<Leased> {
  const { vsphere, probe } = await openProbe(t, { leaseInitializingMs: 0, ...options });
  const { result } = await probe.call('ExportVm', vsphere.vm('web').ref);
  const lease = referenceOf(result);
  await until(
    async () => ((await stateOf(probe, lease)) === 'ready' ? true : undefined),
    'a lease',
  );
  const info = await probe.property(lease, 'info');
  const url = textOf(info, 'deviceUrl', 'url') ?? '';
  return { vsphere, probe, lease, info, path: url.replace('https://*', '') };
}

async function stateOf(probe: SoapProbe, lease: Reference): Promise<string | undefined> {
  return (await probe.property(lease, 'state'))?.text;
}

describe('an export lease of the double', () => {
  it('streams the disk in a form that qemu-img takes for the same disk', async (t) => {
    const { vsphere, probe, lease, info, path } = await openLease(t);
    const { ref } = vsphere.vm('web');
    assert.equal(textOf(info, 'deviceUrl', 'key'), `/${ref.value}/ParaVirtualSCSIController0:0`);
    assert.equal(textOf(info, 'totalDiskCapacityInKB'), String(CAPACITY / 1024));
    assert.equal(textOf(info, 'leaseTimeout'), '300');
    const { status, headers, body } = await probe.fetch(path);
    assert.deepEqual([status, headers['transfer-encoding']], [200, 'chunked']);
    assert.equal(headers['content-length'], undefined);
    const file = join(directory, 'streamed.vmdk');
    await writeFile(file, body);
    await qemuImg('compare', '-f', 'vmdk', '-F', 'raw', file, raw);
    assert.match((await qemuImg('info', file)).stdout, /streamOptimized/);
    // The footer tells where the directory is, the end marker that nothing is missing.
    assert.equal(body.readBigUInt64LE(56), 2n ** 64n - 1n);
    assert.equal(body.toString('latin1', body.length - 1024, body.length - 1020), 'KDMV');
    assert.equal(vsphere.served({ transport: 'nfc', vm: 'web' }), body.length);
    await probe.call('HttpNfcLeaseComplete', lease);
    assert.equal(await stateOf(probe, lease), 'done');
    assert.deepEqual(vsphere.leases, { opened: 1, completed: 1, aborted: 0, expired: 0 });
    assert.equal((await probe.fetch(path)).status, 404);
  });

  it('expires when nobody says that there is progress', async (t) => {
    const clock = new FakeClock();
    const { vsphere, probe, lease, path } = await openLease(t, { clock, leaseTimeoutSeconds: 60 });
    await clock.advance(50_000);
    await probe.call('HttpNfcLeaseProgress', lease, '<percent>30</percent>');
    assert.equal((await probe.property(lease, 'transferProgress'))?.text, '30');
    assert.deepEqual(vsphere.openLeases, [{ vm: 'web', percent: 30 }]);
    await clock.advance(50_000);
    assert.equal(await stateOf(probe, lease), 'ready');
    vsphere.troubleBytes({ stallAfterBytes: 1000 });
    const cut = assert.rejects(probe.fetch(path), /aborted|ECONNRESET|hang up/);
    await until(() => (vsphere.served() > 0 ? true : undefined), 'the first bytes');
    await clock.advance(10_000);
    await cut;
    assert.equal(await stateOf(probe, lease), 'error');
    const error = await probe.property(lease, 'error');
    assert.equal(childOf(error, 'fault')?.attributes.get('xsi:type'), 'Timedout');
    const late = await probe.call('HttpNfcLeaseProgress', lease, '<percent>31</percent>');
    assert.equal(late.fault, 'Timedout');
    assert.deepEqual(vsphere.leases, { opened: 1, completed: 0, aborted: 0, expired: 1 });
  });

  it('is the only one of its VM, which does not change meanwhile', async (t) => {
    const { vsphere, probe, lease } = await openLease(t);
    const { ref } = vsphere.vm('web');
    assert.equal((await probe.call('ExportVm', ref)).fault, 'TaskInProgress');
    assert.equal((await probe.call('PowerOnVM_Task', ref)).fault, 'TaskInProgress');
    assert.equal((await probe.call('HttpNfcLeaseAbort', lease)).fault, undefined);
    assert.equal((await probe.call('HttpNfcLeaseComplete', lease)).fault, 'InvalidState');
    assert.equal((await probe.call('PowerOnVM_Task', ref)).fault, undefined);
    assert.equal((await probe.call('ExportVm', ref)).fault, 'InvalidPowerState');
    assert.deepEqual(vsphere.leases, { opened: 1, completed: 0, aborted: 1, expired: 0 });
  });

  it('is seen by a property collector that waits for it', async (t) => {
    const { vsphere, probe } = await openProbe(t, { leaseInitializingMs: 50 });
    const { result } = await probe.call('ExportVm', vsphere.vm('web').ref);
    const lease = referenceOf(result);
    const collector = { type: 'PropertyCollector', value: 'propertyCollector' };
    const own = referenceOf((await probe.call('CreatePropertyCollector', collector)).result);
    await probe.call(
      'CreateFilter',
      own,
      '<spec><propSet><type>HttpNfcLease</type><pathSet>state</pathSet></propSet><objectSet>' +
        `<obj type="HttpNfcLease">${lease.value}</obj></objectSet></spec>` +
        '<partialUpdates>false</partialUpdates>',
    );
    let version = '';
    const states: (string | undefined)[] = [];
    while (states.at(-1) !== 'ready') {
      const wait = '<options><maxWaitSeconds>5</maxWaitSeconds></options>';
      const content = `<version>${version}</version>${wait}`;
      const said = await probe.call('WaitForUpdatesEx', own, content);
      version = textOf(said.result, 'version') ?? '';
      states.push(textOf(said.result, 'filterSet', 'objectSet', 'changeSet', 'val'));
    }
    assert.deepEqual(states, ['initializing', 'ready']);
  });

  it('gives away the settings of the firmware as well', async (t) => {
    const vm = { name: 'web', firmware: 'efi', disks: [{ path: raw }] } as const;
    const { probe, info } = await openLease(t, { vms: [vm] });
    const urls = info?.children.filter((one) => one.name === 'deviceUrl') ?? [];
    assert.deepEqual(
      urls.map((one) => textOf(one, 'disk')),
      ['true', 'false'],
    );
    const path = textOf(urls[1], 'url')?.replace('https://*', '') ?? '';
    assert.equal((await probe.fetch(path)).body.length, Number(textOf(urls[1], 'fileSize')));
  });

  it('is cut off, ended too early, altered or mislabelled on demand', async (t) => {
    const { vsphere, probe, path } = await openLease(t);
    const whole = (await probe.fetch(path)).body;
    vsphere.troubleBytes({ cutAfterBytes: 300_000, times: 1 });
    await assert.rejects(probe.fetch(path), /aborted/);
    vsphere.troubleBytes({ endAfterBytes: 300_000, times: 1 });
    assert.equal((await probe.fetch(path)).body.length, 300_000);
    vsphere.troubleBytes({ flipBitAt: 400_000, times: 1 });
    const altered = (await probe.fetch(path)).body;
    const different = [...altered.entries()].filter(([at, byte]) => byte !== whole[at]);
    assert.deepEqual(different, [[400_000, (whole[400_000] ?? 0) ^ 0x10]]);
    vsphere.troubleBytes({ contentLength: whole.length + 10, times: 1 });
    await assert.rejects(probe.fetch(path), /aborted/);
    vsphere.troubleBytes({ label: 'another disk', cutAfterBytes: 1 });
    assert.ok((await probe.fetch(path)).body.equals(whole));
  });

  it('is gone when vCenter has restarted', async (t) => {
    const { vsphere, probe, lease } = await openLease(t);
    await vsphere.stop();
    await vsphere.start();
    await probe.login();
    const said = await probe.call('HttpNfcLeaseProgress', lease, '<percent>1</percent>');
    assert.equal(said.fault, 'ManagedObjectNotFound');
  });
});

const FLAT = '/folder/web/web-flat.vmdk?dcPath=DC0&dsName=LocalDS_0';

describe('the datastore files of the double', () => {
  it('are for sessions and passwords only', async (t) => {
    const { vsphere, probe } = await openProbe(t);
    assert.equal((await probe.fetch(FLAT, { method: 'HEAD' })).status, 200);
    vsphere.expireSessions();
    const refused = await probe.fetch(FLAT);
    assert.deepEqual([refused.status, vsphere.served()], [401, 0]);
    assert.match(String(refused.headers['www-authenticate']), /^Basic/);
    const { username, password } = vsphere.login;
    const auth = `${username}:${password}`;
    assert.equal((await probe.fetch(FLAT, { method: 'HEAD', auth })).status, 200);
  });

  it('come whole or in ranges', async (t) => {
    const { vsphere, probe } = await openProbe(t);
    const content = await readFile(raw);
    const range = async (value: string) =>
      await probe.fetch(FLAT, { headers: { range: `bytes=${value}` } });
    const part = await range('65536-131071');
    assert.equal(part.status, 206);
    assert.equal(part.headers['content-range'], `bytes 65536-131071/${CAPACITY}`);
    assert.ok(part.body.equals(content.subarray(65_536, 131_072)));
    assert.ok((await range('-512')).body.equals(content.subarray(-512)));
    assert.equal((await range(`${CAPACITY - 10}-${CAPACITY + 10}`)).body.length, 10);
    const beyond = await range(`${CAPACITY}-`);
    assert.deepEqual(
      [beyond.status, beyond.headers['content-range']],
      [416, `bytes */${CAPACITY}`],
    );
    const head = await probe.fetch(FLAT, { method: 'HEAD' });
    assert.equal(head.headers['content-length'], String(CAPACITY));
    const before = vsphere.served({ transport: 'datastore' });
    assert.ok((await probe.fetch(FLAT)).body.equals(content));
    assert.equal(vsphere.served({ transport: 'datastore' }) - before, CAPACITY);
  });

  it('are found by datacenter, datastore and path alone', async (t) => {
    const { probe } = await openProbe(t);
    const statusOf = async (path: string) => (await probe.fetch(path, { method: 'HEAD' })).status;
    assert.equal(await statusOf(FLAT.replace('DC0', '%2FDC0')), 200);
    assert.equal(await statusOf(FLAT.replace('DC0', 'DC1')), 404);
    assert.equal(await statusOf(FLAT.replace('dcPath=DC0&', '')), 404);
    assert.equal(await statusOf(FLAT.replace('LocalDS_0', 'other')), 404);
    assert.equal(await statusOf(FLAT.replace('web-flat', 'web-delta')), 404);
    const descriptor = (await probe.fetch(FLAT.replace('-flat', ''))).body.toString();
    assert.match(descriptor, new RegExp(`RW ${CAPACITY / 512} VMFS "web-flat.vmdk"`));
  });

  it('break off in every answer when told to, and are altered where told to', async (t) => {
    const { vsphere, probe } = await openProbe(t);
    const content = await readFile(raw);
    {
      using _trouble = vsphere.troubleBytes({ transport: 'datastore', cutAfterBytes: 50_000 });
      await assert.rejects(probe.fetch(FLAT), /aborted/);
      await assert.rejects(probe.fetch(FLAT, { headers: { range: 'bytes=512-99999' } }), /aborted/);
      assert.equal(vsphere.served(), 100_000);
    }
    vsphere.troubleBytes({ flipBitAt: 70_000 });
    const { body } = await probe.fetch(FLAT, { headers: { range: 'bytes=65536-131071' } });
    const expected = Buffer.from(content.subarray(65_536, 131_072));
    expected[70_000 - 65_536] = (expected[70_000 - 65_536] ?? 0) ^ 0x10;
    assert.ok(body.equals(expected));
  });

  it('come as slowly as the clock lets them', async (t) => {
    const clock = new FakeClock();
    const { vsphere, probe } = await openProbe(t, { clock });
    vsphere.troubleBytes({ bytesPerSecond: 10_000 });
    const fetched = probe.fetch(FLAT, { headers: { range: 'bytes=0-9999' } });
    for (let served = 1000; served < 10_000; served += 1000) {
      await until(() => (vsphere.served() === served ? true : undefined), `${served} bytes`);
      await until(() => (clock.pendingTimers > 0 ? true : undefined), 'the pause');
      await clock.advance(99);
      assert.equal(vsphere.served(), served);
      await clock.advance(1);
    }
    // The client does not wait for the pause after the last byte.
    assert.equal((await fetched).body.length, 10_000);
  });

  it('serve a disk that is kept as qcow2', async (t) => {
    const qcow2 = join(directory, 'disk.qcow2');
    await qemuImg('convert', '-O', 'qcow2', raw, qcow2);
    const { probe } = await openProbe(t, {
      vms: [{ name: 'web', disks: [{ path: qcow2 }] }],
    });
    assert.ok((await probe.fetch(FLAT)).body.equals(await readFile(raw)));
  });
});
