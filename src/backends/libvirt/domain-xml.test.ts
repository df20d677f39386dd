import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { parseXml } from '#kernel/xml.ts';
import type { TargetDisk, TargetNic, TargetVm } from '#transfers/target.ts';
import { targetVm } from '#test/libvirt/libvirt-fixture.ts';
import { buildDomainXml, OWNER_NAMESPACE, type DomainParts } from './domain-xml.ts';
import type { HostAbilities } from './host-abilities.ts';

const KVM: HostAbilities = {
  ...{ virtType: 'kvm', emulator: '/usr/bin/qemu-system-x86_64', mostCpus: 288 },
  ...{ cpuMode: 'host-passthrough', hasEfi: true, hasSecureBoot: true },
  ...{ tpmModel: 'tpm-crb', hasVirtioRng: true },
};
const TCG: HostAbilities = { ...KVM, virtType: 'qemu', cpuMode: undefined, tpmModel: undefined };

function build(vm: TargetVm, parts: Partial<DomainParts> = {}): string {
  return buildDomainXml({
    ...{ vm, uuid: undefined, abilities: KVM, scsiModel: 'virtio-scsi' },
    consoleLog: '/var/lib/libvirt/images/web.console.log',
    sources: vm.disks.map(({ key }) => ({ kind: 'file', path: `/images/${key}` })),
    nicPlaces: vm.nics.map(({ network }) => ({ kind: 'network', name: network })),
    ...parts,
  });
}

function disksOn(...buses: readonly TargetDisk['bus'][]): readonly TargetDisk[] {
  return buses.map((bus, index) => ({
    ...{ key: `disk-${index}`, capacityBytes: 512, format: 'qcow2', bus, storage: undefined },
  }));
}

const NIC: TargetNic = {
  ...{ mac: '00:50:56:aa:bb:cc', network: 'lan', model: 'e1000e', isConnected: true },
};
const uuid = '42329208-8c5a-3254-1234-567890abcdef';
const windows = targetVm({ guestId: 'windows2019srv_64Guest', cpus: 8, coresPerSocket: 4 });
const hostile = targetVm({ name: 'a<b>&"\'', owner: '"><devices/>', nics: [{ ...NIC }] });
const VARIANTS: Readonly<Record<string, string>> = {
  plain: build(targetVm()),
  everything: build(
    targetVm({
      ...{ firmware: 'efi', isSecureBoot: true, hasTpm: true, uuid },
      ...{ disks: disksOn('virtio', 'scsi', 'nvme', 'ide', 'sata') },
      nics: [NIC, { ...NIC, model: 'virtio', isConnected: false }],
    }),
  ),
  windows: build(windows),
  ide: build(targetVm({ disks: disksOn('ide', 'ide'), nics: [NIC] })),
  slow: build(targetVm({ hasTpm: true }), { abilities: TCG, consoleLog: undefined }),
  block: build(targetVm({ disks: disksOn('scsi'), nics: [NIC, NIC] }), {
    sources: [{ kind: 'block', path: '/dev/vg/web' }],
    nicPlaces: [{ kind: 'bridge', name: 'br0' }, { kind: 'user' }],
    scsiModel: 'vmpvscsi',
  }),
  hostile: build(hostile),
};

function devicesOf(variant: string, name: string) {
  const domain = parseXml(VARIANTS[variant] ?? '');
  return domain.child('devices')?.childrenNamed(name) ?? [];
}

describe('buildDomainXml', () => {
  it('passes the schema of libvirt, whatever the VM has', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'drover-domain-'));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const validate = async ([name, xml]: readonly [string, string]) => {
      const file = join(directory, `${name}.xml`);
      await writeFile(file, xml);
      await promisify(execFile)('virt-xml-validate', [file, 'domain']);
    };
    await Promise.all(Object.entries(VARIANTS).map(validate));
  });

  it('says whose it is, and lets no value become markup', () => {
    const domain = parseXml(VARIANTS['hostile'] ?? '');
    assert.equal(domain.textOf('name'), hostile.name);
    const owner = domain.child('metadata')?.child('migration');
    assert.equal(owner?.namespace, OWNER_NAMESPACE);
    assert.equal(owner?.attribute('owner'), hostile.owner);
    assert.equal(domain.childrenNamed('devices').length, 1);
  });

  it('gives disks their buses and their order', () => {
    const listed = (variant: string) =>
      devicesOf(variant, 'disk').map((disk) => {
        const target = disk.child('target');
        const order = disk.child('boot')?.attribute('order');
        return [target?.attribute('bus'), target?.attribute('dev'), order].join(' ');
      });
    // NVMe and IDE become SATA on a machine that has neither.
    assert.deepEqual(listed('everything'), [
      ...['virtio vda 1', 'scsi sda 2', 'sata sdb 3', 'sata sdc 4', 'sata sdd 5'],
    ]);
    assert.deepEqual(listed('ide'), ['ide hda 1', 'ide hdb 2']);
    const many = build(targetVm({ disks: disksOn(...Array<'virtio'>(28).fill('virtio')) }));
    assert.match(many, /dev="vdz"[^]*dev="vdaa"[^]*dev="vdab"/);
    assert.match(VARIANTS['block'] ?? '', /<source dev="\/dev\/vg\/web"\/>/);
    assert.match(VARIANTS['block'] ?? '', /<controller type="scsi" index="0" model="vmpvscsi"\/>/);
  });

  it('keeps addresses and puts each NIC where its network is', () => {
    const [first, second] = devicesOf('everything', 'interface');
    assert.equal(first?.child('mac')?.attribute('address'), NIC.mac);
    assert.equal(first?.child('source')?.attribute('network'), 'lan');
    assert.equal(first?.child('link'), undefined);
    assert.equal(second?.child('link')?.attribute('state'), 'down');
    const places = devicesOf('block', 'interface').map((nic) => nic.attribute('type'));
    assert.deepEqual(places, ['bridge', 'user']);
    // PCI Express is what e1000e needs and the older machine lacks.
    assert.equal(devicesOf('ide', 'interface')[0]?.child('model')?.attribute('type'), 'e1000');
  });

  it('uses KVM where it is, and else a CPU that can be emulated', () => {
    assert.match(VARIANTS['plain'] ?? '', /<domain type="kvm">[^]*<cpu mode="host-passthrough"/);
    assert.match(VARIANTS['slow'] ?? '', /<domain type="qemu">[^]*>qemu64</);
    assert.doesNotMatch(VARIANTS['slow'] ?? '', /<tpm|<log/);
  });

  it('keeps sockets, and tells Windows the local time and that KVM is there', () => {
    const xml = VARIANTS['windows'] ?? '';
    assert.match(xml, /<topology sockets="2" cores="4" threads="1"\/>/);
    assert.match(xml, /<clock offset="localtime">/);
    assert.match(xml, /<hyperv mode="custom">/);
    const odd = build(targetVm({ cpus: 3, coresPerSocket: 2 }));
    assert.match(odd, /<topology sockets="1" cores="3" threads="1"\/>/);
  });
});
