/** What the double of vSphere does at /sdk, on its own. */
import assert from 'node:assert/strict';
import { truncate, writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';

import { openVSphere } from './open-vsphere.ts';
import type { VSphereFixture, VSphereOptions } from './open-vsphere.ts';
import { referenceOf, referenceXml } from './soap-message.ts';
import { SoapProbe } from './soap-probe.ts';
import { childOf, textOf } from './xml-element.ts';

const MIB = 1024 * 1024;

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'drover-vsphere-test-'));
  await writeFile(join(directory, 'disk.raw'), 'content');
  await truncate(join(directory, 'disk.raw'), 4 * MIB);
});
after(() => rm(directory, { recursive: true, force: true }));

const VIEW_MANAGER = { type: 'ViewManager', value: 'ViewManager' };

async function viewOfVms(probe: SoapProbe): Promise<string> {
  const root = referenceXml('container', { type: 'Folder', value: 'group-d1' });
  const content = `${root}<type>VirtualMachine</type><recursive>true</recursive>`;
  const { result } = await probe.call('CreateContainerView', VIEW_MANAGER, content);
  return (
    '<propSet><type>VirtualMachine</type><pathSet>name</pathSet></propSet><objectSet>' +
    `${referenceXml('obj', referenceOf(result))}<skip>true</skip>` +
    '<selectSet xsi:type="TraversalSpec"><name>v</name><type>ContainerView</type>' +
    '<path>view</path><skip>false</skip></selectSet></objectSet>'
  );
}

async function openWithLogin(
  t: TestContext,
  options: VSphereOptions,
): Promise<{ vsphere: VSphereFixture; probe: SoapProbe }> {
  const vsphere = await openVSphere(options);
  t.after(() => vsphere[Symbol.asyncDispose]());
  const probe = new SoapProbe(vsphere);
  await probe.login();
  return { vsphere, probe };
}

describe('the vSphere double', () => {
  it('lets in whoever knows the password, and nobody else', async () => {
    await using vsphere = await openVSphere();
    const probe = new SoapProbe(vsphere);
    const instance = { type: 'ServiceInstance', value: 'ServiceInstance' };
    const { result } = await probe.call('RetrieveServiceContent', instance);
    assert.equal(textOf(result, 'about', 'apiType'), 'VirtualCenter');
    const spec = '<propSet><type>Folder</type><all>true</all></propSet>';
    assert.equal((await probe.retrieve(spec)).fault, 'NotAuthenticated');
    assert.equal((await probe.login('wrong')).fault, 'InvalidLogin');
    assert.equal((await probe.login()).fault, undefined);
    assert.equal((await probe.retrieve(spec)).fault, undefined);
    vsphere.expireSessions();
    assert.equal((await probe.retrieve(spec)).fault, 'NotAuthenticated');
    assert.equal((await probe.login()).fault, undefined);
    assert.equal((await probe.retrieve(spec)).fault, undefined);
    assert.equal(vsphere.calls('Login'), 3);
  });

  it('shows VMs with all that they were made with', async (t) => {
    const disk = { path: join(directory, 'disk.raw') };
    const { vsphere, probe } = await openWithLogin(t, {
      vms: [
        {
          ...{ name: 'a/b', folder: 'Prod/Web', firmware: 'efi', isSecureBoot: true, hasTpm: true },
          ...{ cpus: 4, coresPerSocket: 2, memoryMib: 512, cdroms: 1, snapshots: ['one'] },
          ...{ poweredOn: true, ipAddress: '10.0.0.9', isTrackingChanges: true },
          disks: [
            { ...disk, changeId: '52 64/138' },
            { ...disk, controller: 'sata', mode: 'independent_persistent', isRawDevice: true },
            { ...disk, controller: 'sata', isShared: true, isEncrypted: true },
          ],
          nics: [
            { network: 'Production', mac: '00:50:56:01:02:03' },
            { network: 'DC0_DVPG0', model: 'e1000e', isConnected: false },
          ],
        },
        { name: 'a/b', folder: 'Prod', isTemplate: true },
      ],
    });
    const { ref } = vsphere.vm('a/b');
    const text = async (path: string) => (await probe.property(ref, path))?.text;
    assert.equal(await text('name'), 'a%2fb');
    assert.equal(await text('runtime.powerState'), 'poweredOn');
    assert.equal(await text('guest.ipAddress'), '10.0.0.9');
    assert.equal(await text('config.firmware'), 'efi');
    assert.equal(await text('config.bootOptions.efiSecureBootEnabled'), 'true');
    assert.equal(await text('config.changeTrackingEnabled'), 'true');
    assert.equal(await text('config.hardware.numCoresPerSocket'), '2');
    assert.equal(await text('config.hardware.memoryMB'), '512');
    assert.ok(Number(await text('summary.storage.committed')) > 0);
    const parent = referenceOf(await probe.property(ref, 'parent'));
    assert.equal((await probe.property(parent, 'name'))?.text, 'Web');

    const devices = (await probe.property(ref, 'config.hardware.device'))?.children ?? [];
    const disks = devices.filter((one) => one.attributes.get('xsi:type') === 'VirtualDisk');
    assert.deepEqual(
      disks.map((one) => [
        textOf(one, 'deviceInfo', 'label'),
        textOf(one, 'key'),
        textOf(one, 'controllerKey'),
        textOf(one, 'capacityInBytes'),
        textOf(one, 'backing', 'diskMode'),
        childOf(one, 'backing')?.attributes.get('xsi:type'),
      ]),
      [
        ['Hard disk 1', '2000', '1000', '4194304', 'persistent', 'VirtualDiskFlatVer2BackingInfo'],
        [
          ...['Hard disk 2', '16000', '15000', '4194304', 'independent_persistent'],
          'VirtualDiskRawDiskMappingVer1BackingInfo',
        ],
        [
          'Hard disk 3',
          '16001',
          '15000',
          '4194304',
          'persistent',
          'VirtualDiskFlatVer2BackingInfo',
        ],
      ],
    );
    assert.equal(textOf(disks[0], 'backing', 'fileName'), '[LocalDS_0] a%2fb/a%2fb.vmdk');
    assert.equal(textOf(disks[0], 'backing', 'changeId'), '52 64/138');
    assert.equal(textOf(disks[2], 'backing', 'sharing'), 'sharingMultiWriter');
    assert.equal(textOf(disks[2], 'backing', 'keyId', 'providerId', 'id'), 'kms');
    const types = devices.map((one) => one.attributes.get('xsi:type'));
    for (const type of ['VirtualTPM', 'VirtualCdrom', 'VirtualVmxnet3', 'VirtualE1000e']) {
      assert.ok(types.includes(type), `no ${type} in ${types.join(' ')}`);
    }
    const nic = devices.find((one) => one.attributes.get('xsi:type') === 'VirtualVmxnet3');
    assert.equal(textOf(nic, 'macAddress'), '00:50:56:01:02:03');
    assert.equal(textOf(nic, 'backing', 'deviceName'), 'Production');
    const snapshots = await probe.property(ref, 'snapshot.rootSnapshotList');
    assert.equal(snapshots?.children.length, 1);
  });

  it('answers thousands of VMs in pages, to the session that asked', async (t) => {
    const { vsphere, probe } = await openWithLogin(t, { inventory: { vms: 5000, folders: 20 } });
    const names = new Set<string>();
    const take = (said: Awaited<ReturnType<typeof probe.call>>) => {
      for (const object of said.result?.children ?? []) {
        if (object.name === 'objects') names.add(textOf(object, 'propSet', 'val') ?? '');
      }
      return textOf(said.result, 'token');
    };
    const collector = { type: 'PropertyCollector', value: 'propertyCollector' };
    const view = await viewOfVms(probe);
    let token = take(await probe.retrieve(view, '<maxObjects>2000</maxObjects>'));
    assert.equal(names.size, 2000);
    const other = new SoapProbe(vsphere);
    await other.login();
    const content = `<token>${token}</token>`;
    const stolen = await other.call('ContinueRetrievePropertiesEx', collector, content);
    assert.equal(stolen.fault, 'InvalidArgument');
    while (token !== undefined) {
      const next = `<token>${token}</token>`;
      token = take(await probe.call('ContinueRetrievePropertiesEx', collector, next));
    }
    assert.equal(names.size, 5000);
    assert.equal(vsphere.calls('ContinueRetrievePropertiesEx'), 3);
  });

  it('names types in both ways that are in use', async (t) => {
    const { probe } = await openWithLogin(t, { vms: [{ name: 'vm' }] });
    const view = await viewOfVms(probe);
    const texts = [(await probe.retrieve(view)).text, (await probe.retrieve(view)).text];
    assert.match(texts.join(''), /<val xsi:type="xsd:string">/);
    assert.match(texts.join(''), /<val xmlns:(\w[\w-]*)="[^"]*" \1:type="xsd:string">/);
  });

  it('is late, unavailable, deaf or faulty when it is told to be', async (t) => {
    const { vsphere, probe } = await openWithLogin(t, { vms: [{ name: 'vm' }] });
    const { ref } = vsphere.vm('vm');
    vsphere.troubleCalls({ method: 'PowerOnVM_Task', times: 1, outcome: 'reset' });
    vsphere.troubleCalls({ method: 'PowerOnVM_Task', times: 1, outcome: 'lost' });
    vsphere.troubleCalls({ outcome: { fault: 'HostCommunication' }, after: 1, times: 1 });
    const powerOf = async () => (await probe.property(ref, 'runtime.powerState'))?.text;
    await assert.rejects(probe.call('PowerOnVM_Task', ref), /socket hang up|ECONNRESET/);
    assert.equal(await powerOf(), 'poweredOff');
    await assert.rejects(probe.call('PowerOnVM_Task', ref), /socket hang up|ECONNRESET/);
    assert.equal((await probe.call('PowerOnVM_Task', ref)).fault, 'HostCommunication');
    assert.equal(await powerOf(), 'poweredOn');
    {
      using _trouble = vsphere.troubleCalls({ outcome: 'unavailable', delayMs: 1 });
      assert.equal((await probe.fetch('/sdk', { method: 'POST' }, vmPing)).status, 503);
    }
    assert.equal((await probe.fetch('/sdk', { method: 'POST' }, vmPing)).status, 200);
  });

  it('answers changed areas piece by piece, and knows its bounds', async (t) => {
    const { vsphere, probe } = await openWithLogin(t, {
      vms: [{ name: 'vm', disks: [{ path: join(directory, 'disk.raw') }] }],
    });
    const disk = vsphere.disk('vm');
    const areas = Array.from({ length: 20 }, (_, n) => ({ start: n * 131072, length: 65536 }));
    vsphere.setChangedAreas(disk, '*', areas);
    const query = async (start: number, changeId = '*') =>
      await probe.call(
        'QueryChangedDiskAreas',
        vsphere.vm('vm').ref,
        `<deviceKey>${disk.key}</deviceKey><startOffset>${start}</startOffset>` +
          `<changeId>${changeId}</changeId>`,
      );
    const found: string[] = [];
    let start = 0;
    while (start < disk.capacityBytes) {
      const { result } = await query(start);
      for (const area of result?.children ?? []) {
        if (area.name === 'changedArea') found.push(textOf(area, 'start') ?? '');
      }
      start += Number(textOf(result, 'length'));
    }
    assert.deepEqual(
      found,
      areas.map((area) => String(area.start)),
    );
    assert.equal((await query(disk.capacityBytes)).fault, 'InvalidArgument');
    assert.equal((await query(0, '52 64/1')).fault, 'FileFault');
  });

  it('can be away for a while, and has forgotten its sessions when it is back', async (t) => {
    const { vsphere, probe } = await openWithLogin(t, {});
    await vsphere.stop();
    await assert.rejects(probe.login(), /ECONNREFUSED/);
    await vsphere.start();
    assert.equal((await probe.retrieve('')).fault, 'NotAuthenticated');
    assert.equal((await probe.login()).fault, undefined);
  });

  it('denies the privileges it is told to deny', async (t) => {
    const denied = 'VApp.Export';
    const { vsphere, probe } = await openWithLogin(t, {
      vms: [{ name: 'vm' }],
      deniedPrivileges: [denied],
    });
    const manager = { type: 'AuthorizationManager', value: 'AuthorizationManager' };
    const said = await probe.call(
      'HasUserPrivilegeOnEntities',
      manager,
      `${referenceXml('entities', vsphere.vm('vm').ref)}` +
        `<userName>${vsphere.login.username}</userName>` +
        `<privId>${denied}</privId><privId>VirtualMachine.Interact.PowerOff</privId>`,
    );
    const granted = said.result?.children
      .filter((one) => one.name === 'privAvailability')
      .map((one) => [textOf(one, 'privId'), textOf(one, 'isGranted')]);
    assert.deepEqual(granted, [
      [denied, 'false'],
      ['VirtualMachine.Interact.PowerOff', 'true'],
    ]);
  });

  it('is a lone ESXi as well', async () => {
    await using vsphere = await openVSphere({
      kind: 'esxi',
      vms: [{ name: 'vm', poweredOn: true }],
    });
    const probe = new SoapProbe(vsphere);
    const instance = { type: 'ServiceInstance', value: 'ServiceInstance' };
    const { result } = await probe.call('RetrieveServiceContent', instance);
    assert.equal(textOf(result, 'about', 'apiType'), 'HostAgent');
    assert.equal(textOf(result, 'sessionManager'), 'ha-sessionmgr');
    assert.equal(vsphere.vm('vm').datacenter, 'ha-datacenter');
  });
});

const vmPing =
  '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>' +
  '<RetrieveServiceContent xmlns="urn:vim25"><_this type="ServiceInstance">ServiceInstance' +
  '</_this></RetrieveServiceContent></e:Body></e:Envelope>';
