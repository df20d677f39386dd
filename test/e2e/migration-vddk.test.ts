/**
 * VMs that are read through nbdkit, by requests to the API: to the end, when nbdkit dies on the
 * way, and when the job is cancelled. What stands for the plugin that has
 * VMware's library in it is in test/vsphere/nbdkit-stand-in.ts.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, globSync } from 'node:fs';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readCopyState } from '#backends/disk-copier/copy-state.ts';
import { MIB } from '#kernel/units.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';
import { MigrationApi } from '#test/migration-api.ts';
import { assertSameDisk, assertSound } from '#test/qemu-img.ts';
import { until } from '#test/until.ts';
import { openNbdkitStandIn, type NbdkitStandIn } from '#test/vsphere/nbdkit-stand-in.ts';
import { openVSphere, type VSphereFixture } from '#test/vsphere/open-vsphere.ts';

const CAPACITY = 16 * MIB;
const ALLOCATED = 12 * MIB;
/** Between two marks of a disk as small as this, and what was under way. */
const MOST_AGAIN = 2 * MIB + 4 * MIB;
const NAMES = ['whole', 'dies', 'stops'];

const owned = new AsyncDisposableStack();
let folder: string;
let disk: string;
let vsphere: VSphereFixture;
let standIn: NbdkitStandIn;
let server: TestServer;
let api: MigrationApi;
before(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'drover-vddk-e2e-'));
  owned.defer(() => rm(directory, { recursive: true }));
  folder = join(directory, 'moved');
  await mkdir(folder);
  disk = join(directory, 'disk.raw');
  await writeHoleyDisk(disk);
  const vms = NAMES.map((name) => ({ name, memoryMib: 32, disks: [{ path: disk }] }));
  vsphere = owned.use(await openVSphere({ vms }));
  standIn = owned.use(await openNbdkitStandIn({ vsphere, vms: NAMES }));
  const { nbdkit, vddkLibrary } = standIn;
  server = owned.use(
    await openTestServer({ migration: { directories: [folder], nbdkit, vddkLibrary } }),
  );
  api = new MigrationApi(server.url);
});
after(() => owned.disposeAsync());

/** Three quarters are random, the rest was never written. */
async function writeHoleyDisk(path: string): Promise<void> {
  await using file = await open(path, 'wx');
  await file.truncate(CAPACITY);
  for (let at = 0; at < CAPACITY; at += 4 * MIB) {
    await file.write(randomBytes(3 * MIB), 0, 3 * MIB, at);
  }
}

function request(vm: string, options: object = {}): object {
  const { url, username, password, trust } = vsphere.login;
  return {
    vm_path: `DC0/vm/${vm}`,
    source: { type: 'vsphere', vcenter_url: url, username, password, ca: trust.ca },
    destination: { type: 'file', directory: folder },
    options: { conversion_method: 'vddk', ...options },
  };
}

async function assertMoved(vm: string): Promise<void> {
  const image = { path: join(folder, vm, `${vm}-0.qcow2`), format: 'qcow2' } as const;
  await assertSound(image);
  await assertSameDisk({ path: disk, format: 'raw' }, image);
}

async function runningFor(vm: string): Promise<readonly number[]> {
  const ref = vsphere.vm(vm).ref.value;
  const starts = await standIn.starts();
  return starts
    .filter(
      ({ pid, params }) => params.includes(`vm=moref=${ref}`) && existsSync(`/proc/${pid}/fd`),
    )
    .map(({ pid }) => pid);
}

/** Until the first mark is behind the offset. */
async function copied(vm: string, bytes: number): Promise<void> {
  await until(async () => {
    const [state] = globSync(`${folder}/{.,}*${vm}*/**/*.copying`);
    const image = state?.replace(/\.copying$/, '');
    const offset = image === undefined ? 0 : ((await readCopyState(image))?.mark.offset ?? 0);
    return offset > bytes || undefined;
  }, `${bytes} bytes of ${vm}`);
}

describe('over vddk', () => {
  it('a VM is moved, its holes are not read, and nothing is left running', async () => {
    const { result } = await api.completed(await api.submit(request('whole')));
    assert.equal(result?.['export_method'], 'vddk');
    assert.equal(result['received_bytes'], ALLOCATED);
    await assertMoved('whole');
    assert.deepEqual(await runningFor('whole'), []);
  });

  it('a copy whose nbdkit dies goes on from where it was', async () => {
    await standIn.limitRate(6 * MIB);
    const id = await api.submit(request('dies'));
    await copied('dies', 4 * MIB);
    await standIn.limitRate(undefined);
    const [pid = 0] = await runningFor('dies');
    process.kill(pid, 'SIGKILL');
    const { last_error: error } = await api.when(id, (job) => job.last_error !== null);
    assert.equal(error?.kind, 'unavailable', JSON.stringify(error));
    const { attempts, result } = await api.completed(id);
    assert.equal(attempts, 2);
    await assertMoved('dies');
    const [, from] = /went on from byte (\d+)/.exec(await api.log(id)) ?? [];
    assert.ok(Number(from) >= 4 * MIB, `it went on from ${from}`);
    assert.ok(Number(result?.['received_bytes']) <= ALLOCATED - 4 * MIB + MOST_AGAIN);
  });

  it('a job that is cancelled leaves nothing, within seconds', async () => {
    await standIn.limitRate(3 * MIB);
    const id = await api.submit(request('stops'));
    await copied('stops', 0);
    const ms = await api.cancel(id);
    await standIn.limitRate(undefined);
    assert.ok(ms < 3000, `it took ${ms} ms`);
    assert.deepEqual(await runningFor('stops'), []);
    assert.deepEqual(globSync(`${folder}/{.,}*stops*/**/*`), []);
  });

  it('is among what the installation can do', async () => {
    const { json } = await api.call('GET', '/capabilities');
    const { vddk } = json['capabilities'] as Record<string, object>;
    assert.deepEqual(vddk, { available: true, method: 'vddk', priority: 3 });
    const preflight = await api.call('POST', '/jobs/preflight', request('stops'));
    assert.ok(!JSON.stringify(preflight.json).includes('method-unavailable'));
  });
});
