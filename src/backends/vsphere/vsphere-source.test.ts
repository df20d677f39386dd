/** Against govmomi's simulator: finding VMs, looking at them, and the little that is changed. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { silentLog } from '#kernel/log.ts';
import { openVSphere, type VSphereFixture } from '#test/vsphere/open-vsphere.ts';
import type { PrivilegeNeeds, Source } from '#transfers/source.ts';
import { VSphereSourceOpener } from './vsphere-source-opener.ts';

const MIB = 1024 * 1024;
const SIGNAL = new AbortController().signal;

async function openSource(
  vsphere: VSphereFixture,
  datacenter?: string,
): Promise<{ source: Source } & AsyncDisposable> {
  const opener = new VSphereSourceOpener({ clock: systemClock, log: silentLog, firstRetryMs: 1 });
  const source = await opener.open({ ...vsphere.login, datacenter }, SIGNAL);
  return { source, [Symbol.asyncDispose]: () => opener[Symbol.asyncDispose]() };
}

async function refusalOf(asking: Promise<unknown>): Promise<DroverError> {
  const thrown = await asking.then(
    () => assert.fail('it was not refused'),
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof DroverError, String(thrown));
  return thrown;
}

describe('the inventory of a vCenter', () => {
  let vsphere: VSphereFixture;
  let opened: Awaited<ReturnType<typeof openSource>>;
  before(async () => {
    vsphere = await openVSphere({
      mostObjectsPerPage: 7,
      inventory: { datacenters: 2, folders: 1 },
      vms: [
        { name: 'web-1', folder: 'Prod/Web', cpus: 4, memoryMib: 512, ipAddress: '10.0.0.7' },
        { name: 'web/2', folder: 'Prod/Web' },
        { name: 'web-1', folder: 'Test' },
        { name: 'lonely', datacenter: 'DC1', isTemplate: true },
      ],
    });
    opened = await openSource(vsphere);
  });
  after(async () => {
    await opened[Symbol.asyncDispose]();
    await vsphere[Symbol.asyncDispose]();
  });

  it('has every VM with its path, page after page', async () => {
    const vms = await opened.source.listVms({}, SIGNAL);
    const paths = vms.map(({ path }) => path);
    assert.ok(paths.includes('DC0/vm/Prod/Web/web-1'), paths.join('\n'));
    assert.ok(paths.includes('DC0/vm/Prod/Web/web%2f2'));
    assert.equal(new Set(paths).size, paths.length);
    assert.ok(vsphere.calls('ContinueRetrievePropertiesEx') > 0);
    const web = vms.find(({ path }) => path === 'DC0/vm/Prod/Web/web-1');
    assert.deepEqual(
      [web?.name, web?.powerState, web?.cpus, web?.memoryMib, web?.ipAddress, web?.isTemplate],
      ['web-1', 'poweredOff', 4, 512, '10.0.0.7', false],
    );
    assert.match(web?.host ?? '', /^DC0_/);
    assert.equal(vms.find(({ name }) => name === 'web/2')?.path, 'DC0/vm/Prod/Web/web%2f2');
    assert.equal(vms.find(({ name }) => name === 'lonely')?.isTemplate, true);
  });

  it('is chosen from by datacenter and pattern', async () => {
    const { source } = opened;
    const namesOf = async (options: Parameters<Source['listVms']>[0]) =>
      (await source.listVms(options, SIGNAL)).map(({ path }) => path).sort();
    const prod = ['DC0/vm/Prod/Web/web%2f2', 'DC0/vm/Prod/Web/web-1'];
    assert.deepEqual(await namesOf({ pattern: 'DC0/vm/Prod/Web/*' }), prod);
    assert.deepEqual(await namesOf({ pattern: '*/vm/Prod/*/*-1' }), [prod[1]]);
    const namesakes = await namesOf({ pattern: 'web-1' });
    assert.deepEqual(namesakes, ['DC0/vm/Prod/Web/web-1', 'DC0/vm/Test/web-1']);
    const others = await namesOf({ datacenter: 'DC1' });
    assert.ok(others.length > 0 && others.every((path) => path.startsWith('DC1/vm/')));
    const refusal = await refusalOf(namesOf({ datacenter: 'DC7' }));
    assert.match(refusal.message, /there is no DC7; there is .*DC0/);
  });

  it('finds a VM by its path, and by its name where there is one such', async () => {
    const { source } = opened;
    const web = await source.findVm('/DC0/vm/Prod/Web/web%2f2', SIGNAL);
    assert.deepEqual(
      [web.name, web.path, web.datacenter],
      ['web/2', 'DC0/vm/Prod/Web/web%2f2', 'DC0'],
    );
    assert.equal((await source.findVm('lonely', SIGNAL)).path, 'DC1/vm/lonely');
    await using narrow = await openSource(vsphere, 'DC1');
    assert.equal((await narrow.source.findVm('lonely', SIGNAL)).datacenter, 'DC1');
  });

  it('names the nearest VMs when there is none of the path', async () => {
    const twice = await refusalOf(opened.source.findVm('web-1', SIGNAL));
    assert.equal(twice.kind, 'not_found');
    assert.match(twice.message, /did you mean DC0\/vm\/.*web-1 or DC0\/vm\/.*web-1\?/);
    const typo = await refusalOf(opened.source.findVm('DC1/vm/lonley', SIGNAL));
    assert.match(typo.message, /did you mean DC1\/vm\/lonely\?/);
    const folder = await refusalOf(opened.source.findVm('DC0/vm/Prod', SIGNAL));
    assert.equal(folder.reason, 'SOURCE_VM_NOT_FOUND');
  });

  it('is listed anew when the session ends in the middle', async () => {
    await using own = await openSource(vsphere);
    const { source } = own;
    const whole = await source.listVms({}, SIGNAL);
    const logins = vsphere.calls('Login');
    using trouble = vsphere.troubleCalls({
      method: 'ContinueRetrievePropertiesEx',
      after: 1,
      times: 1,
      outcome: { fault: 'NotAuthenticated' },
    });
    assert.deepEqual(await source.listVms({}, SIGNAL), whole);
    assert.equal(vsphere.calls('Login'), logins + 1);
    trouble[Symbol.dispose]();
    using _lost = vsphere.troubleCalls({
      method: 'ContinueRetrievePropertiesEx',
      after: 1,
      times: 1,
      outcome: 'lost',
    });
    assert.deepEqual(await source.listVms({}, SIGNAL), whole);
  });
});

describe('a VM', () => {
  let vsphere: VSphereFixture;
  let opened: Awaited<ReturnType<typeof openSource>>;
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'drover-source-'));
    const path = join(directory, 'disk.raw');
    await writeFile(path, 'content');
    await truncate(path, 4 * MIB);
    vsphere = await openVSphere({
      vms: [
        {
          name: 'rich',
          cpus: 4,
          coresPerSocket: 2,
          firmware: 'efi',
          isSecureBoot: true,
          hasTpm: true,
          cdroms: 2,
          snapshots: ['a', 'b'],
          isTrackingChanges: true,
          ipAddress: '10.1.2.3',
          disks: [
            { path, controller: 'nvme', label: 'fast' },
            { path, controller: 'pvscsi', isThin: false, changeId: '52 ab/1' },
            { path, controller: 'pvscsi', mode: 'independent_persistent', isShared: true },
            { path, controller: 'sata', isEncrypted: true },
            { path, controller: 'ide', isRawDevice: true },
          ],
          nics: [
            { network: 'DC0_DVPG0', model: 'vmxnet3', mac: '00:50:56:AA:BB:CC' },
            { network: 'Lab', model: 'e1000e', isConnected: false },
          ],
        },
        { name: 'plain', cdroms: 1 },
      ],
      deniedPrivileges: [
        ...['VApp.Export', 'Datastore.Browse', 'VirtualMachine.Interact.PowerOff'],
      ],
    });
    opened = await openSource(vsphere);
  });
  after(async () => {
    await opened[Symbol.asyncDispose]();
    await vsphere[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  it('is described with all that matters to a migration', async () => {
    const calls = vsphere.calls();
    const vm = await opened.source.findVm('DC0/vm/rich', SIGNAL);
    assert.ok(vsphere.calls() - calls <= 4, String(vsphere.calls() - calls));
    const { firmware, isSecureBoot, hasTpm, coresPerSocket, snapshots, isTrackingChanges } = vm;
    assert.deepEqual(
      { firmware, isSecureBoot, hasTpm, coresPerSocket, snapshots, isTrackingChanges },
      {
        firmware: 'efi',
        isSecureBoot: true,
        hasTpm: true,
        coresPerSocket: 2,
        snapshots: 2,
        isTrackingChanges: true,
      },
    );
    assert.equal(vm.hasRunningTools, true);
    const again = await opened.source.findVm('DC0/vm/rich', SIGNAL);
    assert.equal(again.state, vm.state);
    assert.deepEqual(vm.cdroms.length, 2);
    assert.match(vm.hostRef ?? '', /^host-/);
    const nics = vm.nics.map(({ mac, network, model, isConnected }) => [
      ...[mac, network, model, isConnected],
    ]);
    assert.deepEqual(nics, [
      ['00:50:56:aa:bb:cc', 'DC0_DVPG0', 'vmxnet3', true],
      [nics[1]?.[0], 'Lab', 'e1000e', false],
    ]);
    const disks = new Map(vm.disks.map((disk) => [disk.controller + disk.position, disk]));
    assert.deepEqual([...disks.keys()].sort(), ['ahci0', 'ide0', 'nvme0', 'pvscsi0', 'pvscsi1']);
    const first = disks.get('pvscsi0');
    assert.equal(first?.capacityBytes, 4 * MIB);
    assert.equal(first.datastore, 'LocalDS_0');
    assert.match(first.path, /^\[LocalDS_0\] rich\/.*\.vmdk$/);
    assert.deepEqual([first.isThin, first.changeId, first.bus], [false, '52 ab/1', 'scsi']);
    const second = disks.get('pvscsi1');
    assert.deepEqual([second?.isIndependent, second?.isShared], [true, true]);
    assert.deepEqual([disks.get('ahci0')?.isEncrypted, disks.get('ahci0')?.bus], [true, 'sata']);
    assert.equal(disks.get('ide0')?.isRawDevice, true);
    assert.equal(disks.get('nvme0')?.label, 'fast');
  });

  it('is turned on and off, and it does no harm where it is so already', async () => {
    const { source } = opened;
    const ref = String(vsphere.vm('plain').ref.value);
    const stateOf = async () => (await source.findVm('DC0/vm/plain', SIGNAL)).powerState;
    for (let time = 0; time < 2; time += 1) await source.powerOn(ref, SIGNAL);
    assert.equal(await stateOf(), 'poweredOn');
    for (let time = 0; time < 2; time += 1) await source.powerOff(ref, SIGNAL);
    assert.equal(await stateOf(), 'poweredOff');
    assert.equal(vsphere.calls('PowerOffVM_Task'), 1);
    await source.shutDownGuest(ref, SIGNAL);
    assert.equal(vsphere.calls('ShutdownGuest'), 0);
    await source.powerOn(ref, SIGNAL);
    using _trouble = vsphere.troubleCalls({
      method: 'ShutdownGuest',
      times: 1,
      outcome: { fault: 'ToolsUnavailable' },
    });
    const refusal = await refusalOf(source.shutDownGuest(ref, SIGNAL));
    assert.match(refusal.message, /Tools do not run/);
    await source.shutDownGuest(ref, SIGNAL);
    await source.powerOff(ref, SIGNAL);
  });

  it('loses its CD-ROM drives when asked to', async () => {
    const ref = vsphere.vm('plain').ref.value;
    assert.equal(await opened.source.removeCdroms(ref, SIGNAL), 1);
    assert.deepEqual((await opened.source.findVm('DC0/vm/plain', SIGNAL)).cdroms, []);
    assert.equal(await opened.source.removeCdroms(ref, SIGNAL), 0);
  });

  it('tells which privileges are missing, by either question, or that it cannot tell', async () => {
    const ref = vsphere.vm('plain').ref.value;
    const reading = { stopsVm: false, removesCdroms: false };
    const ask = (needs: Partial<PrivilegeNeeds> = {}) =>
      opened.source.missingPrivileges(ref, { transport: 'nfc', ...reading, ...needs }, SIGNAL);
    assert.deepEqual(await ask(), ['VApp.Export']);
    assert.deepEqual(await ask({ transport: 'datastore' }), ['Datastore.Browse']);
    assert.deepEqual(await ask({ transport: 'vddk' }), []);
    assert.deepEqual(await ask({ transport: undefined, stopsVm: true, removesCdroms: true }), [
      'VirtualMachine.Interact.PowerOff',
    ]);
    const outcome = { fault: 'MethodNotFound' };
    using _first = vsphere.troubleCalls({ method: 'HasPrivilegeOnEntities', outcome });
    assert.deepEqual(await ask(), ['VApp.Export']);
    assert.deepEqual(await ask({ transport: 'datastore' }), ['Datastore.Browse']);
    using _second = vsphere.troubleCalls({ method: 'FetchUserPrivilegeOnEntities', outcome });
    assert.equal(await ask(), undefined);
  });

  it('has snapshots made and removed', async () => {
    const { snapshots } = opened.source;
    assert.ok(snapshots !== undefined);
    const made = await snapshots.create(vsphere.vm('plain').ref.value, 'drover', SIGNAL);
    assert.equal((await opened.source.findVm('DC0/vm/plain', SIGNAL)).snapshots, 1);
    await snapshots.remove(made, SIGNAL);
    assert.equal((await opened.source.findVm('DC0/vm/plain', SIGNAL)).snapshots, 0);
    const refusal = await refusalOf(snapshots.remove(made, SIGNAL));
    assert.equal(refusal.kind, 'not_found');
  });

  it('tells all that changed on a disk, and never asks past its end', async () => {
    const { snapshots } = opened.source;
    const disk = vsphere.disk('rich', 'fast');
    const areas = Array.from({ length: 40 }, (_, at) => ({ start: at * 65536, length: 65536 / 2 }));
    vsphere.setChangedAreas(disk, '*', areas);
    const query = {
      vmRef: vsphere.vm('rich').ref.value,
      snapshotRef: 'snapshot-1',
      disk: { key: String(disk.key), capacityBytes: disk.capacityBytes },
      changeId: '*',
    };
    const found = await snapshots?.changedAreas(query, SIGNAL);
    assert.deepEqual(
      found,
      areas.map(({ start, length }) => ({ offset: start, length })),
    );
    assert.equal(vsphere.calls('QueryChangedDiskAreas'), 3);
  });
});

describe('a lone ESXi host', () => {
  it('is a source as well', async () => {
    await using vsphere = await openVSphere({ kind: 'esxi', vms: [{ name: 'solo' }] });
    await using opened = await openSource(vsphere);
    const { source } = opened;
    assert.match(source.product, /ESX/);
    const vm = await source.findVm('ha-datacenter/vm/solo', SIGNAL);
    assert.deepEqual([vm.path, vm.datacenter], ['ha-datacenter/vm/solo', 'ha-datacenter']);
    const paths = (await source.listVms({}, SIGNAL)).map(({ path }) => path);
    assert.ok(paths.includes(vm.path), paths.join());
  });
});
