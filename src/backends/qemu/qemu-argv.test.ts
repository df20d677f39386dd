import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { MachineId } from '#kernel/ids.ts';
import type { NicAttachment } from '#machines/host-network.ts';
import type { MachineSpec } from '#machines/machine-spec.ts';
import { nicOf } from '#test/contract/host-network.ts';
import { launchRequest } from '#test/contract/hypervisor.ts';
import { diskSpec, kernelSpec } from '#test/contract/machine-spec.ts';
import { buildQemuArgv, machineUuid, type ArgvOptions } from './qemu-argv.ts';

const ID = 'vm_1' as MachineId;
const TCG: ArgvOptions = { accelerator: 'tcg', tscKhz: 2_600_000, efiCodePath: '/efi/code.fd' };
const KVM: ArgvOptions = { ...TCG, accelerator: 'kvm' };
const KERNEL = { kernelPath: '/images/vmlinuz', initrdPath: '/images/initrd' };

function build(spec: MachineSpec, options = TCG, nics: readonly NicAttachment[] = []): string[] {
  return buildQemuArgv({ ...launchRequest(ID, spec), nics }, options);
}

/** The values of one option, in order. */
function valuesOf(argv: readonly string[], option: string): string[] {
  return argv.filter((_, at) => argv[at - 1] === option);
}

function devicesOf(argv: readonly string[]): Record<string, unknown>[] {
  return valuesOf(argv, '-device').map((text) => JSON.parse(text) as Record<string, unknown>);
}

function onlyValue(argv: readonly string[], option: string): string {
  const [value, ...more] = valuesOf(argv, option);
  assert.equal(more.length, 0, `${option} is given once`);
  assert.ok(value !== undefined, `${option} is given`);
  return value;
}

describe('the command line of QEMU', () => {
  it('is this for a small microvm', () => {
    assert.deepEqual(build(kernelSpec(KERNEL)), [
      ...['-name', 'guest=vm_1', '-uuid', machineUuid(ID)],
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-sandbox'],
      'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
      ...['-machine', 'microvm,acpi=on', '-accel', 'tcg,tb-size=256', '-cpu', 'max'],
      ...['-smp', 'cpus=1,maxcpus=1', '-m', 'size=128M'],
      ...['-kernel', '/images/vmlinuz', '-initrd', '/images/initrd'],
      ...['-append', 'console=ttyS0 quiet tsc_early_khz=2600000 tsc=reliable'],
      ...['-chardev', 'file,id=console,path=console.log,append=on', '-serial', 'chardev:console'],
      ...['-device', '{"driver":"virtio-serial-device","id":"vserial"}'],
      ...['-chardev', 'socket,id=agent,path=agent.sock,server=on,wait=off', '-device'],
      '{"driver":"virtserialport","id":"agent-port","chardev":"agent",' +
        '"name":"org.qemu.guest_agent.0"}',
      ...['-object', '{"qom-type":"rng-random","id":"rng0","filename":"/dev/urandom"}'],
      ...['-device', '{"driver":"virtio-rng-device","id":"rng","rng":"rng0"}'],
      ...['-device', '{"driver":"pvpanic","id":"pvpanic"}'],
      ...['-device', '{"driver":"i8042","id":"ps2"}'],
      ...['-chardev', 'socket,id=qmp,path=qmp.sock,server=on,wait=off'],
      ...['-mon', 'chardev=qmp,mode=control'],
    ]);
  });

  it('tells the counter frequency only where it is needed, and not against the caller', () => {
    const append = (spec: MachineSpec, options = TCG) => onlyValue(build(spec, options), '-append');
    const given = { ...KERNEL, kernelArgs: 'console=ttyS0' };
    assert.match(append(kernelSpec(given)), /tsc_early_khz=2600000/);
    assert.equal(append(kernelSpec(given), KVM), 'console=ttyS0');
    assert.equal(append(kernelSpec({ ...given, machineType: 'q35' })), 'console=ttyS0');
    assert.equal(append(kernelSpec(given), { ...TCG, tscKhz: undefined }), 'console=ttyS0');
    const own = 'console=ttyS0 tsc=unstable';
    assert.equal(append(kernelSpec({ ...KERNEL, kernelArgs: own })), own);
  });

  it('puts the root disk first and names it to a kernel that was told of none', () => {
    const disks = [
      diskSpec('data', '/images/data.qcow2', { format: 'qcow2', isReadOnly: true }),
      diskSpec('root', '/images/root.img', { isRoot: true }),
    ];
    const argv = build(kernelSpec({ ...KERNEL, kernelArgs: '' }, { disks }), KVM);
    assert.equal(onlyValue(argv, '-append'), 'root=/dev/vda rw');
    const serials = devicesOf(argv).filter(({ driver }) => driver === 'virtio-blk-device');
    assert.deepEqual(
      serials.map(({ serial }) => serial),
      ['root', 'data'],
    );
    const told = kernelSpec({ ...KERNEL, kernelArgs: 'root=LABEL=x' }, { disks });
    assert.equal(onlyValue(build(told, KVM), '-append'), 'root=LABEL=x');
  });

  it('writes to an overlay, to the disk itself, or not at all, as the disk says', () => {
    const disks = [
      diskSpec('a', '/images/a.img'),
      diskSpec('b', '/images/b.img', { writeMode: 'direct' }),
      diskSpec('c', '/images/c.img', { isReadOnly: true, writeMode: 'direct' }),
    ];
    const nodes = valuesOf(build(kernelSpec(KERNEL, { disks })), '-blockdev').map(
      (text) => JSON.parse(text) as Record<string, unknown>,
    );
    const file = (filename: string, isReadOnly: boolean) => ({
      ...{ driver: 'file', filename, aio: 'threads', 'read-only': isReadOnly },
    });
    assert.deepEqual(nodes[0]?.['file'], {
      driver: 'file',
      filename: 'disks/a.qcow2',
      aio: 'threads',
    });
    assert.deepEqual(nodes[0]?.['backing'], {
      driver: 'raw',
      'read-only': true,
      file: file('/images/a.img', true),
    });
    assert.deepEqual(nodes[1]?.['file'], file('/images/b.img', false));
    assert.equal(nodes[1]?.['read-only'], false);
    assert.deepEqual(nodes[2]?.['file'], file('/images/c.img', true));
    assert.equal(nodes[2]?.['read-only'], true);
  });

  it('attaches NICs to taps or to user networking of the families asked for', () => {
    const nics: NicAttachment[] = [
      {
        kind: 'tap',
        nic: nicOf('a', '02:00:00:00:00:01'),
        tapDevice: 'dt1',
        bridge: 'b',
        leases: [],
      },
      { kind: 'user', nic: nicOf('b', '02:00:00:00:00:02', { mode: 'ipv4-only' }), leases: [] },
    ];
    const argv = build(kernelSpec({ ...KERNEL, machineType: 'q35' }), KVM, nics);
    assert.deepEqual(valuesOf(argv, '-netdev'), [
      'tap,id=net0,ifname=dt1,script=no,downscript=no',
      'user,id=net1,ipv4=on,ipv6=off',
    ]);
    const devices = devicesOf(argv).filter(({ driver }) => driver === 'virtio-net-pci');
    assert.deepEqual(
      devices.map(({ mac }) => mac),
      ['02:00:00:00:00:01', '02:00:00:00:00:02'],
    );
    assert.deepEqual(
      devices.map(({ romfile }) => romfile),
      ['', ''],
    );
  });

  it('refuses names of taps that could carry an option', () => {
    const nic = nicOf('a', '02:00:00:00:00:01');
    for (const tapDevice of ['x,script=/bin/sh', '', 'a'.repeat(16), 'a b']) {
      const tap: NicAttachment = { kind: 'tap', nic, tapDevice, bridge: 'b', leases: [] };
      assert.throws(() => build(kernelSpec(KERNEL), TCG, [tap]), { kind: 'internal' });
    }
  });

  it('gives processors their topology, model and features', () => {
    const cpu = {
      vcpus: 2,
      maxVcpus: 8,
      topology: { sockets: 2, coresPerSocket: 2, threadsPerCore: 2 },
      template: 'T2',
      features: { avx2: 'off', ssse3: 'on' },
    } as const;
    const argv = build(kernelSpec(KERNEL, { cpu, memoryMib: 512 }), KVM);
    assert.equal(onlyValue(argv, '-smp'), 'cpus=2,maxcpus=8,sockets=2,cores=2,threads=2');
    assert.equal(onlyValue(argv, '-cpu'), 'Skylake-Server-v4,avx2=off,ssse3=on');
    assert.equal(onlyValue(argv, '-m'), 'size=512M');
    const plain = { ...cpu, template: undefined, features: {} };
    assert.equal(onlyValue(build(kernelSpec(KERNEL, { cpu: plain }), KVM), '-cpu'), 'host');
    for (const features of [{ 'x,kvm': 'on' }, { avx2: 'perhaps' }]) {
      const spec = kernelSpec(KERNEL, { cpu: { ...plain, features } });
      assert.throws(() => build(spec), { kind: 'invalid_argument' });
    }
    const arm = kernelSpec(KERNEL, { cpu: { ...plain, template: 'V1N1' } });
    assert.throws(() => build(arm), { kind: 'failed_precondition' });
  });

  it('boots a disk by firmware in the order of the disks', () => {
    const disks = [diskSpec('data', '/d.img'), diskSpec('root', '/r.img', { isRoot: true })];
    const firmware = (name: 'bios' | 'uefi') =>
      build({
        ...kernelSpec(KERNEL, { disks }),
        boot: { kind: 'firmware', machineType: 'q35', firmware: name },
      });
    const bios = firmware('bios');
    assert.deepEqual(valuesOf(bios, '-machine'), ['q35']);
    assert.ok(!bios.includes('-kernel'));
    const blocks = devicesOf(bios).filter(({ driver }) => driver === 'virtio-blk-pci');
    assert.deepEqual(
      blocks.map(({ serial, bootindex }) => [serial, bootindex]),
      [
        ['root', 0],
        ['data', 1],
      ],
    );
    const uefi = firmware('uefi');
    assert.deepEqual(valuesOf(uefi, '-machine'), ['q35', 'pflash0=efi-code,pflash1=efi-vars']);
    assert.ok(valuesOf(uefi, '-blockdev').some((text) => text.includes('/efi/code.fd')));
  });

  it('gives a guest without virtio its disks and NICs as it knows them, on q35 alone', () => {
    const nic = { ...nicOf('a', '02:00:00:00:00:01'), model: 'e1000e' } as const;
    const nics: NicAttachment[] = [{ kind: 'user', nic, leases: [] }];
    const disks = Array.from({ length: 14 }, (_, at) =>
      diskSpec(`d${at}`, '/d.img', { isRoot: at === 0, bus: at === 6 ? 'nvme' : 'sata' }),
    );
    const boot = { kind: 'firmware', machineType: 'q35', firmware: 'bios' } as const;
    const devices = devicesOf(build({ ...kernelSpec(KERNEL, { disks }), boot }, TCG, nics));
    const sata = devices.filter(({ driver }) => driver === 'ide-hd');
    assert.deepEqual(
      sata.map(({ bus }) => bus),
      [
        ...['ide.0', 'ide.1', 'ide.2', 'ide.3', 'ide.4', 'ide.5'],
        ...['sata1.1', 'sata1.2', 'sata1.3', 'sata1.4', 'sata1.5', 'sata2.0', 'sata2.1'],
      ],
    );
    assert.deepEqual([sata[0]?.['bootindex'], sata[0]?.['serial']], [0, 'd0']);
    const added = devices.filter(({ driver }) => driver === 'ich9-ahci').map(({ id }) => id);
    assert.deepEqual(added, ['sata1', 'sata2']);
    assert.deepEqual(
      devices.find(({ driver }) => driver === 'nvme'),
      { driver: 'nvme', id: 'blk6', drive: 'disk6', serial: 'd6', bootindex: 6 },
    );
    assert.equal(devices.find(({ id }) => id === 'nic0')?.['driver'], 'e1000e');
    const small = devicesOf(build(kernelSpec(KERNEL, { disks }), TCG, nics));
    assert.ok(small.every(({ driver }) => driver !== 'ide-hd' && driver !== 'e1000e'));
  });

  it('logs hvc0 beside ttyS0 when asked, and nothing when the console is off', () => {
    const withConsole = (type: string, isEnabled: boolean) =>
      build(kernelSpec(KERNEL, { console: { isEnabled, type, outputFile: undefined } }));
    const both = valuesOf(withConsole('virtio-console', true), '-chardev');
    assert.ok(both.includes('file,id=console,path=console.log,append=on'));
    assert.ok(both.includes('file,id=console-virtio,path=console.log,append=on'));
    const off = valuesOf(withConsole('serial', false), '-chardev');
    assert.ok(off.includes('null,id=console'));
  });

  it('names each machine by a uuid of its own, the same each time', () => {
    assert.match(
      machineUuid(ID),
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    assert.equal(machineUuid(ID), machineUuid(ID));
    assert.notEqual(machineUuid(ID), machineUuid('vm_2' as MachineId));
  });
});
