import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DroverError } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';
import { ovfText, type OvfPlan } from '#test/packages.ts';
import { parseOvf } from './ovf.ts';

const PLAN: OvfPlan = { name: 'web', disks: ['web-disk1.vmdk', 'web-disk2.vmdk'] };

function parse(text: string) {
  return parseOvf(Buffer.from(text));
}

function parseOne(plan: Partial<OvfPlan>) {
  const [vm] = parse(ovfText({ ...PLAN, ...plan }));
  assert.ok(vm);
  return vm;
}

function item(type: number, text: string): string {
  const body = text.replaceAll(/<(\/?)(\w)/g, '<$1rasd:$2');
  return `<Item><rasd:InstanceID>7${type}</rasd:InstanceID>${body}
    <rasd:ResourceType>${type}</rasd:ResourceType></Item>`;
}

describe('an OVF', () => {
  it('says what the VM is made of', () => {
    const vm = parseOne({});
    assert.deepEqual(
      [vm.name, vm.cpus, vm.coresPerSocket, vm.memoryMib, vm.firmware, vm.guestId],
      ['web', 4, 2, 2048, 'efi', 'debian12_64Guest'],
    );
    const disk = { declaredBytes: 12 * MIB, bus: 'scsi', controller: 'pvscsi' };
    assert.deepEqual(vm.disks, [
      { label: 'Hard disk 1', position: 0, ...disk, fileName: 'web-disk1.vmdk' },
      { label: 'Hard disk 2', position: 1, ...disk, fileName: 'web-disk2.vmdk' },
    ]);
    const [nic] = vm.nics;
    assert.deepEqual([nic?.network, nic?.model, nic?.mac], ['VM Network', 'vmxnet3', undefined]);
  });

  it('has Secure Boot, a TPM, drives and addresses where it says so', () => {
    const vm = parseOne({
      hardware: [
        '<vmw:Config vmw:key="bootOptions.efiSecureBootEnabled" vmw:value="true"/>',
        item(1, '<ResourceSubType>vmware.vtpm</ResourceSubType>'),
        item(15, '<ElementName>CD/DVD drive 1</ElementName>'),
        item(10, '<Address>00-50-56-AB-cd-ef</Address><Connection>LAN</Connection>'),
      ].join(''),
    });
    assert.deepEqual([vm.isSecureBoot, vm.hasTpm, vm.cdroms], [true, true, ['CD/DVD drive 1']]);
    assert.deepEqual([vm.nics[1]?.mac, vm.nics[1]?.network], ['00:50:56:ab:cd:ef', 'LAN']);
  });

  it('means the configuration that is chosen when nobody chooses', () => {
    const sections = `<DeploymentOptionSection><Configuration ovf:id="small"/>
      <Configuration ovf:id="large" ovf:default="true"/></DeploymentOptionSection>`;
    const cpus = (id: string, count: number) =>
      `<Item ovf:configuration="${id}"><rasd:InstanceID>1</rasd:InstanceID>
        <rasd:ResourceType>3</rasd:ResourceType>
        <rasd:VirtualQuantity>${count}</rasd:VirtualQuantity></Item>`;
    const hardware = cpus('large', 16) + cpus('small', 1);
    assert.equal(parseOne({ sections, hardware }).cpus, 16);
  });

  it('has sizes in any of its units', () => {
    for (const [unit, bytes] of [
      ['byte * 2^30', 12 * 1024 * MIB],
      ['MegaBytes', 12 * MIB],
      ['byte * 1024', 12 * 1024],
      ['furlong', undefined],
    ] as const) {
      const [vm] = parse(ovfText(PLAN).replaceAll('"byte * 2^20"', `"${unit}"`));
      assert.equal(vm?.disks[0]?.declaredBytes, bytes, unit);
    }
    const [vm] = parse(ovfText(PLAN).replaceAll('ovf:capacity="12"', 'ovf:capacity="${size}"'));
    assert.equal(vm?.disks[0]?.declaredBytes, undefined);
  });

  it('may hold several VMs', () => {
    const one = ovfText(PLAN);
    const [, system = ''] = /(<VirtualSystem [^]*<\/VirtualSystem>)/.exec(one) ?? [];
    const both = `<VirtualSystemCollection>${system}${system.replaceAll('web', 'db')}
      </VirtualSystemCollection>`;
    assert.deepEqual(
      parse(one.replace(system, both)).map(({ id }) => id),
      ['web', 'db'],
    );
  });

  it('names only files beside it, whole and unpacked', () => {
    for (const name of ['../a.vmdk', '/etc/passwd', 'a/b.vmdk', 'http://example.com/a', '..', '']) {
      assert.throws(() => parseOne({ disks: [name] }), /plain name/, name);
    }
    assert.throws(() => parseOne({ fileAttributes: 'ovf:compression="gzip"' }), /unpack it/);
    assert.throws(() => parseOne({ fileAttributes: 'ovf:chunkSize="100"' }), /join them/);
    const without = ovfText(PLAN).replace('ovf:fileRef="file0"', '');
    assert.throws(() => parse(without), /Hard disk 1 comes without a file/);
  });

  it('is refused when it is something else, or endless', () => {
    assert.throws(() => parse('<Envelope/>'), /no OVF/);
    assert.throws(() => parse('<html/>'), /no OVF/);
    const many = Array.from({ length: 257 }, (_, at) =>
      item(17, '<HostResource>ovf:/disk/vmdisk0</HostResource>').replace('717', `many-${at}`),
    );
    assert.throws(() => parseOne({ hardware: many.join('') }), /over 256 disks/);
    assert.throws(() => parse(`${ovfText(PLAN)}${' '.repeat(2 * MIB)}`), {
      reason: 'XML_TOO_LARGE',
    });
  });

  it('is a VM or a refusal, whatever its text', () => {
    const text = ovfText(PLAN);
    const change = fc.record({ at: fc.nat(text.length - 1), length: fc.nat(20), by: fc.string() });
    fc.assert(
      fc.property(change, ({ at, length, by }) => {
        try {
          parse(text.slice(0, at) + by + text.slice(at + length));
        } catch (thrown) {
          assert.ok(thrown instanceof DroverError, String(thrown));
        }
      }),
      { numRuns: 300 },
    );
  });
});
