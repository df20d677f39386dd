/** Against govmomi's simulator, and the leases, streams and files in front of it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { systemClock, type Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { silentLog } from '#kernel/log.ts';
import { until } from '#test/until.ts';
import {
  openVSphere,
  type VSphereFixture,
  type VSphereOptions,
} from '#test/vsphere/open-vsphere.ts';
import type { HttpPlace } from '#transfers/disk-feed.ts';
import type { SourceVm } from '#transfers/source-vm.ts';
import type { Export } from '#transfers/source.ts';
import { TrustedAgent } from '#kernel/trusted-agent.ts';
import { openDatastoreExport } from './datastore-export.ts';
import { findVmByPath } from './inventory.ts';
import { openNfcExport } from './nfc-export.ts';
import { VSphereSession } from './session.ts';
import { readVm } from './vm-details.ts';

const MIB = 1024 * 1024;
const SIGNAL = new AbortController().signal;

let directory: string;
let disk: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'drover-exports-'));
  disk = join(directory, 'disk.raw');
  await writeFile(disk, 'content');
  await truncate(disk, 2 * MIB);
});
after(() => rm(directory, { recursive: true }));

interface Opened extends AsyncDisposable {
  readonly vsphere: VSphereFixture;
  readonly session: VSphereSession;
  readonly vm: SourceVm;
}

async function open(options: VSphereOptions = {}, clock: Clock = systemClock): Promise<Opened> {
  await using stack = new AsyncDisposableStack();
  const path = disk;
  const disks = [
    { path, controller: 'pvscsi', changeId: '52/1' },
    { path, controller: 'sata' },
  ] as const;
  const vms = [{ name: 'web', firmware: 'efi', disks }] as const;
  const vsphere = stack.use(await openVSphere({ vms, ...options }));
  const { username, password, trust } = vsphere.login;
  const login = { url: new URL(vsphere.url), username, password, trust };
  const parts = { clock, log: silentLog, firstRetryMs: 1 };
  const session = stack.use(await VSphereSession.open(login, parts, SIGNAL));
  const ref = await findVmByPath(session, 'DC0/vm/web', undefined, SIGNAL);
  const vm = await readVm(session, ref, SIGNAL);
  const owned = stack.move();
  return { vsphere, session, vm, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function get(place: HttpPlace, headers: Record<string, string> = {}) {
  const agent = new TrustedAgent(place.trust, { maxSockets: 1, isKept: false });
  const sent = request(place.url, { agent, headers: { ...place.headers, ...headers } }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: answer.statusCode, body: await buffer(answer) };
}

async function refusalOf(asking: Promise<unknown>): Promise<DroverError> {
  const thrown = await asking.then(
    () => assert.fail('it was not refused'),
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof DroverError, String(thrown));
  return thrown;
}

/** Lets the clock run, a little at a time, until the promise is settled. */
async function drive<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = () => void (isSettled = true);
  promise.then(settle, settle);
  await until(async () => {
    await clock.advance(10);
    return isSettled ? true : undefined;
  }, 'the promise');
  return await promise;
}

describe('an export by lease', () => {
  it('gives every disk as a stream, and is completed', async () => {
    await using opened = await open();
    const { vsphere, session, vm } = opened;
    await using exported = await openNfcExport(session, vm, SIGNAL);
    assert.deepEqual(
      exported.disks.map(({ key }) => key),
      vm.disks.map(({ key }) => key),
    );
    for (const { feed, isResumable } of exported.disks) {
      assert.ok(feed.kind === 'stream' && !isResumable);
      const { status, body } = await get(feed.place);
      assert.equal(status, 200);
      assert.equal(body.subarray(0, 4).toString(), 'KDMV');
    }
    assert.equal(vsphere.leases.opened, 1);
    await exported.complete(SIGNAL);
    assert.equal(vsphere.leases.completed, 1);
    await exported[Symbol.asyncDispose]();
    assert.equal(vsphere.leases.aborted, 0);
  });

  it('is aborted when it is left without having been completed', async () => {
    await using opened = await open();
    const { vsphere, session, vm } = opened;
    const exported = await openNfcExport(session, vm, SIGNAL);
    await exported[Symbol.asyncDispose]();
    assert.deepEqual([vsphere.leases.opened, vsphere.leases.aborted], [1, 1]);
    assert.equal(exported.lost.aborted, false);
  });

  it('is aborted when nobody waits for it to be ready any more', async () => {
    await using opened = await open({ leaseInitializingMs: 60_000 });
    const { vsphere, session, vm } = opened;
    const stop = new AbortController();
    const opening = openNfcExport(session, vm, stop.signal);
    await until(() => vsphere.leases.opened === 1 || undefined, 'the lease');
    stop.abort(new Error('stop'));
    await assert.rejects(opening, /stop/);
    await until(() => vsphere.leases.aborted === 1 || undefined, 'the lease to be aborted');
  });

  it('is aborted when nobody waited for the answer that it is there', async () => {
    await using opened = await open();
    const { vsphere, session, vm } = opened;
    using _late = vsphere.troubleCalls({ method: 'ExportVm', delayMs: 50 });
    const stop = new AbortController();
    const opening = openNfcExport(session, vm, stop.signal);
    await until(() => vsphere.calls('ExportVm') === 1 || undefined, 'the call');
    stop.abort(new Error('stop'));
    await assert.rejects(opening, /stop/);
    await until(() => vsphere.leases.aborted === 1 || undefined, 'the lease to be aborted');
  });

  /** The lease times out after 30 s, so it hears of the export every 10. */
  async function openForLong(clock: FakeClock): Promise<Opened & { readonly exported: Export }> {
    await using stack = new AsyncDisposableStack();
    const opened = stack.use(await open({ clock, leaseTimeoutSeconds: 30 }, clock));
    const { session, vm } = opened;
    const exported = stack.use(await drive(clock, openNfcExport(session, vm, SIGNAL)));
    const owned = stack.move();
    return { ...opened, exported, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  }

  /** A tick finds nothing to do while the call of the last one is under way. */
  async function tickUntil(clock: FakeClock, isDone: () => boolean, what: string): Promise<void> {
    await clock.advance(10_000);
    await until(async () => {
      if (!isDone()) await clock.advance(50);
      return isDone() || undefined;
    }, what);
  }

  it('lives for as long as it is open, and shows its progress', async () => {
    const clock = new FakeClock();
    await using opened = await openForLong(clock);
    const { vsphere, exported } = opened;
    for (let percent = 10; percent <= 60; percent += 10) {
      exported.setProgress(percent + 0.9);
      await tickUntil(clock, () => vsphere.openLeases[0]?.percent === percent, 'the percent');
    }
    assert.equal(exported.lost.aborted, false);
    await exported.complete(SIGNAL);
    assert.equal(vsphere.leases.completed, 1);
  });

  it('outlives calls that fail, and is lost when vSphere ends it', async () => {
    const clock = new FakeClock();
    await using opened = await openForLong(clock);
    const { vsphere, exported } = opened;
    const method = 'HttpNfcLeaseProgress';
    using _trouble = vsphere.troubleCalls({ method, times: 1, outcome: 'reset' });
    const told = vsphere.calls(method);
    await tickUntil(clock, () => vsphere.calls(method) >= told + 2, 'the repeated sign');
    assert.equal(exported.lost.aborted, false);
    await vsphere.expireLeases();
    await tickUntil(clock, () => exported.lost.aborted, 'the loss');
    assert.ok(exported.lost.reason instanceof DroverError);
    assert.equal(exported.lost.reason.reason, 'VSPHERE_LEASE_LOST');
    assert.equal((await refusalOf(exported.complete(SIGNAL))).kind, 'unavailable');
  });

  it('says why there is none', async () => {
    await using opened = await open({
      vms: [{ name: 'web', poweredOn: true, disks: [{ path: disk }] }],
    });
    const { session, vm } = opened;
    const refusal = await refusalOf(openNfcExport(session, vm, SIGNAL));
    assert.equal(refusal.reason, 'VSPHERE_INVALID_POWER_STATE');
    assert.equal(refusal.kind, 'failed_precondition');
  });
});

describe('an export from datastores', () => {
  async function rangesOf(exported: Export) {
    const [first] = exported.disks;
    assert.ok(first?.feed.kind === 'ranges' && first.isResumable);
    return first.feed;
  }

  it('gives every disk in ranges, with what is allocated where that is known', async () => {
    await using opened = await open();
    const { vsphere, session, vm } = opened;
    vsphere.setChangedAreas(vsphere.disk('web'), '*', [{ start: 0, length: 65536 }]);
    await using exported = await openDatastoreExport(session, vm, SIGNAL);
    assert.equal(exported.disks.length, 2);
    const feed = await rangesOf(exported);
    assert.equal(feed.capacityBytes, 2 * MIB);
    assert.deepEqual(feed.allocated, [{ offset: 0, length: 65536 }]);
    const { status, body } = await get(feed.place, { range: 'bytes=0-6' });
    assert.deepEqual([status, body.toString()], [206, 'content']);
    const other = exported.disks[1]?.feed;
    assert.ok(other?.kind === 'ranges' && other.allocated === undefined);
    await exported.complete(SIGNAL);
  });

  it('reads everything where vSphere cannot say what is allocated', async () => {
    await using opened = await open();
    await using exported = await openDatastoreExport(opened.session, opened.vm, SIGNAL);
    assert.equal((await rangesOf(exported)).allocated, undefined);
    assert.equal(opened.vsphere.calls('QueryChangedDiskAreas'), 1);
  });

  it('is lost with the session whose cookie it has', async () => {
    await using opened = await open();
    const { vsphere, session, vm } = opened;
    await using exported = await openDatastoreExport(session, vm, SIGNAL);
    const { place } = await rangesOf(exported);
    vsphere.expireSessions();
    assert.equal((await get(place)).status, 401);
    await readVm(session, { type: 'VirtualMachine', id: vm.ref }, SIGNAL);
    assert.ok(exported.lost.aborted);
    await using again = await openDatastoreExport(session, vm, SIGNAL);
    assert.equal((await get((await rangesOf(again)).place)).status, 200);
  });

  it('is refused for a VM that runs, or has snapshots', async () => {
    const disks = [{ path: disk }];
    for (const [vm, reason] of [
      [{ name: 'web', poweredOn: true, disks }, 'VM_NOT_OFF'],
      [{ name: 'web', snapshots: ['a'], disks }, 'VM_HAS_SNAPSHOTS'],
      [{ name: 'web', disks: [{ path: disk, isRawDevice: true }] }, 'RAW_DEVICE'],
    ] as const) {
      await using opened = await open({ vms: [vm] });
      const refusal = await refusalOf(openDatastoreExport(opened.session, opened.vm, SIGNAL));
      assert.equal(refusal.reason, reason);
      assert.equal(refusal.kind, 'failed_precondition');
    }
  });
});
