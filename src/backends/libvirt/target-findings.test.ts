import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { TargetVm } from '#transfers/target.ts';
import { targetVm } from '#test/libvirt/libvirt-fixture.ts';
import { ScriptedVirsh, type Script } from '#test/libvirt/scripted-virsh.ts';
import { sourceVm } from '#test/libvirt/source-vm.ts';
import { LibvirtHost } from './libvirt-host.ts';
import { NetworkFinder } from './network-finder.ts';
import { StorageFinder } from './storage-finder.ts';
import { findAtTarget } from './target-findings.ts';

const signal = new AbortController().signal;
const FREE = 4 * 1024 ** 2;
const UUID = '42329208-8c5a-3254-1234-567890abcdef';
const CAPABILITIES = `<domainCapabilities><path>/usr/bin/qemu-system-x86_64</path>
  <domain>kvm</domain><vcpu max='8'/></domainCapabilities>`;
const HOST: Script = {
  list: '',
  domcapabilities: CAPABILITIES,
  nodeinfo: 'Memory size:         16777216 KiB\n',
  'pool-dumpxml --pool="files"':
    "<pool type='dir'><target><path>/far</path></target></pool>\n\nState:   running\n",
  'pool-dumpxml --pool="lvm"': "<pool type='logical'></pool>\n\nState:   running\n",
  'pool-info': `Capacity:       99\nAvailable:      ${FREE}\n`,
  'net-list --name': '',
  'net-list --name --all': 'lan\n',
  'iface-dumpxml': '!error: this function is not supported by the connection driver',
};

async function findFor(vm: TargetVm, script: Script = HOST, kvmFault?: string) {
  const virsh = new ScriptedVirsh(script);
  const host = new LibvirtHost(virsh);
  const clock = new FakeClock();
  const none = { pool: 'files', directory: undefined };
  return await findAtTarget({
    ...{ host, vm, signal, accelerator: 'auto', kvmFault, source: sourceVm() },
    storages: new StorageFinder({ host, clock, isLocal: false, workDirectory: '/tmp', ...none }),
    networks: new NetworkFinder(host, 'system'),
  });
}

async function codesFor(vm: TargetVm, script: Script = HOST): Promise<readonly string[]> {
  return (await findFor(vm, script)).map(({ severity, code }) => `${severity} ${code}`);
}

function diskOf(storage: string, capacityBytes: number, format: 'raw' | 'qcow2' = 'raw') {
  return { key: '2000', bus: 'sata', storage, capacityBytes, format } as const;
}

describe('findAtTarget', () => {
  it('finds nothing where all is well', async () => {
    assert.deepEqual(await codesFor(targetVm()), []);
  });

  it('knows which disks must fit whole, and which may never get so large', async () => {
    const onBlocks = targetVm({ disks: [diskOf('lvm', 2 * FREE, 'qcow2')] });
    assert.deepEqual(await codesFor(onBlocks), [
      'error disk-format-unsuited',
      'error space-too-small',
    ]);
    const inFiles = targetVm({ disks: [diskOf('files', FREE), diskOf('files', FREE)] });
    const [space, ...others] = await findFor(inFiles);
    assert.deepEqual(others, []);
    assert.equal(space?.code, 'space-may-run-out');
    assert.equal(space?.subject, 'pool files');
    assert.match(space?.message ?? '', /has 4 MiB free, and the disks may grow to 8 MiB/);
  });

  it('asks for firmware where the VM needs it', async () => {
    const secure = targetVm({ firmware: 'efi', isSecureBoot: true });
    assert.deepEqual(await codesFor(secure), ['error no-uefi']);
    const efi = "<os><enum name='firmware'><value>efi</value></enum></os></domainCapabilities>";
    const script = { ...HOST, domcapabilities: CAPABILITIES.replace('</domainCapabilities>', efi) };
    assert.deepEqual(await codesFor(secure, script), ['error no-secure-boot']);
    assert.deepEqual(await codesFor(targetVm({ firmware: 'efi' }), script), []);
  });

  it('tells a host without KVM from one whose KVM hangs guests', async () => {
    const noKvm = { ...HOST, domcapabilities: CAPABILITIES.replace('>kvm<', '>qemu<') };
    const [absent] = await findFor(targetVm(), noKvm);
    assert.equal(absent?.code, 'no-kvm');
    assert.match(absent?.remedy ?? '', /BIOS/);
    const [faulty] = await findFor(targetVm(), noKvm, 'a trial guest did nothing for 2 s');
    assert.deepEqual([faulty?.code, faulty?.severity], ['no-kvm', 'warning']);
    assert.match(
      faulty?.message ?? '',
      /KVM is there, and a trial guest did nothing for 2 s under/,
    );
    assert.match(faulty?.remedy ?? '', /nested virtualization/);
  });

  it('warns where a TPM cannot be emulated, and says what would', async () => {
    const [found, ...others] = await findFor(targetVm({ hasTpm: true }));
    assert.deepEqual(others, []);
    assert.equal(found?.code, 'no-tpm');
    assert.match(found?.remedy ?? '', /swtpm and swtpm-tools/);
    const values = (name: string, value: string) =>
      `<enum name='${name}'><value>${value}</value></enum>`;
    const tpm = `${values('model', 'tpm-crb')}${values('backendModel', 'emulator')}`;
    const devices = `<devices><tpm supported='yes'>${tpm}</tpm></devices></domainCapabilities>`;
    const capabilities = CAPABILITIES.replace('</domainCapabilities>', devices);
    const script = { ...HOST, domcapabilities: capabilities };
    assert.deepEqual(await codesFor(targetVm({ hasTpm: true }), script), []);
  });

  it('tells a network that sleeps from a bridge that nobody can see', async () => {
    const nic = { mac: '00:50:56:00:00:01', model: 'virtio', isConnected: true } as const;
    const vm = targetVm({
      nics: [
        { ...nic, network: 'lan' },
        { ...nic, network: 'br0' },
      ],
    });
    assert.deepEqual(await codesFor(vm), ['error network-inactive', 'warning bridge-unverified']);
  });

  it('knows its own domain from that of another job', async () => {
    const listed = { ...HOST, list: `${UUID} web\n` };
    const owned = (owner: string) => ({ ...listed, metadata: `<migration owner='${owner}'/>` });
    assert.deepEqual(await codesFor(targetVm(), owned('job-1')), []);
    assert.deepEqual(await codesFor(targetVm(), owned('job-2')), ['error name-taken']);
    const none = { ...listed, metadata: '!error: metadata not found: not present' };
    assert.deepEqual(await codesFor(targetVm(), none), ['error name-taken']);
    const renamed = targetVm({ name: 'other', uuid: UUID });
    assert.deepEqual(await codesFor(renamed, none), ['error uuid-taken']);
  });

  it('goes on after what it cannot ask, unless it can ask nothing', async () => {
    const script = { ...HOST, nodeinfo: '!error: something new', 'pool-info': '!error: also new' };
    assert.deepEqual(await codesFor(targetVm(), script), [
      'error libvirt-refused',
      'error libvirt-refused',
    ]);
    const gone = { ...HOST, domcapabilities: '!error: client socket is closed' };
    assert.deepEqual(await codesFor(targetVm(), gone), ['error destination-unreachable']);
    const refused = { ...HOST, list: '!error: authentication failed' };
    assert.deepEqual(await codesFor(targetVm(), refused), ['error destination-refuses-user']);
  });
});
