import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseXml } from '#kernel/xml.ts';
import { readDisks, readLeasePlace, readNics } from './vm-devices.ts';

function devicesOf(xml: string) {
  const type = 'http://www.w3.org/2001/XMLSchema-instance';
  return parseXml(`<v xmlns="urn:vim25" xmlns:xsi="${type}">${xml}</v>`).children;
}

function controller(type: string, key: number, bus: number, rest = ''): string {
  return `<d xsi:type="${type}"><key>${key}</key><busNumber>${bus}</busNumber>${rest}</d>`;
}

function disk(key: number, controllerKey: number, unit: number, backing: string): string {
  return (
    `<d xsi:type="VirtualDisk"><key>${key}</key>${backing}<controllerKey>${controllerKey}` +
    `</controllerKey><unitNumber>${unit}</unitNumber><capacityInKB>2048</capacityInKB></d>`
  );
}

function flat(path: string, rest = ''): string {
  const type = 'VirtualDiskFlatVer2BackingInfo';
  return `<backing xsi:type="${type}"><fileName>${path}</fileName>${rest}</backing>`;
}

describe('the disks of a VM', () => {
  it('come in the order in which a guest finds them', () => {
    const disks = readDisks(
      devicesOf(
        disk(2016, 1001, 0, flat('[a] c.vmdk')) +
          disk(2001, 1000, 1, flat('[a] b.vmdk')) +
          disk(2000, 1000, 0, flat('[a] a.vmdk')) +
          controller('VirtualLsiLogicSASController', 1001, 1) +
          controller('ParaVirtualSCSIController', 1000, 0),
      ),
    );
    assert.deepEqual(
      disks.map(({ key, controller: name, position }) => [key, name, position]),
      [
        ['2000', 'pvscsi', 0],
        ['2001', 'pvscsi', 1],
        ['2016', 'lsisas1068', 100],
      ],
    );
    assert.equal(disks[0]?.capacityBytes, 2 * 1024 * 1024);
  });

  it('are shared by themselves, or by the bus that they are on', () => {
    const shared = '<sharedBus>physicalSharing</sharedBus>';
    const [byBus, byDisk, neither] = readDisks(
      devicesOf(
        controller('ParaVirtualSCSIController', 1000, 0, shared) +
          controller('ParaVirtualSCSIController', 1001, 1, '<sharedBus>noSharing</sharedBus>') +
          disk(1, 1000, 0, flat('[a] a.vmdk')) +
          disk(2, 1001, 0, flat('[a] b.vmdk', '<sharing>sharingMultiWriter</sharing>')) +
          disk(3, 1001, 1, flat('[a] c.vmdk', '<sharing>sharingNone</sharing>')),
      ),
    );
    assert.deepEqual([byBus?.isShared, byDisk?.isShared, neither?.isShared], [true, true, false]);
  });

  it('are known even on a controller that nobody has heard of', () => {
    const raw = 'VirtualDiskRawDiskMappingVer1BackingInfo';
    const backing = `<backing xsi:type="${raw}"><deviceName>vml.01</deviceName></backing>`;
    const [found] = readDisks(
      devicesOf(controller('VirtualQuantumController', 7, 0) + disk(1, 7, 0, backing)),
    );
    assert.deepEqual([found?.bus, found?.controller], ['scsi', 'virtualquantumcontroller']);
    assert.deepEqual([found?.isRawDevice, found?.path], [true, 'vml.01']);
  });

  it('are where leases say that they are', () => {
    assert.deepEqual(readLeasePlace('/vm-42/VirtualLsiLogicSASController1:3'), {
      controller: 'lsisas1068',
      position: 103,
    });
    assert.equal(readLeasePlace('/vm-42/nvram'), undefined);
  });
});

describe('the NICs of a VM', () => {
  it('are on networks, port groups of distributed switches, or networks of others', () => {
    const port = '<port><portgroupKey>dvportgroup-7</portgroupKey></port>';
    const nics = readNics(
      devicesOf(
        '<d xsi:type="VirtualVmxnet3"><key>4000</key>' +
          '<backing><deviceName>LAN</deviceName></backing>' +
          '<connectable><startConnected>false</startConnected></connectable>' +
          '<macAddress>00:50:56:AA:00:01</macAddress></d>' +
          '<d xsi:type="VirtualE1000e"><key>4001</key>' +
          '<deviceInfo><summary>dv</summary></deviceInfo>' +
          `<backing>${port}</backing><macAddress>00:50:56:aa:00:02</macAddress></d>` +
          '<d xsi:type="VirtualNext"><key>4002</key>' +
          '<backing><opaqueNetworkId>n1</opaqueNetworkId></backing>' +
          '<macAddress>00:50:56:aa:00:03</macAddress></d>' +
          '<d xsi:type="VirtualUSBController"><key>7000</key></d>',
      ),
    );
    assert.deepEqual(
      nics.map(({ mac, model, network, isConnected }) => [mac, model, network, isConnected]),
      [
        ['00:50:56:aa:00:01', 'vmxnet3', { kind: 'named', name: 'LAN' }, false],
        [
          ...['00:50:56:aa:00:02', 'e1000e'],
          { kind: 'port-group', key: 'dvportgroup-7', otherwise: 'dv' },
          true,
        ],
        ['00:50:56:aa:00:03', 'next', { kind: 'opaque', key: 'n1', otherwise: '' }, true],
      ],
    );
  });
});
