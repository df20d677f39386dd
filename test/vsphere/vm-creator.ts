/** Makes a test's VMs in the simulator, by the calls that a client of vSphere would make. */
import { execFile } from 'node:child_process';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { FixtureDisk, FixtureNic, FixtureVm } from './fixture-vm.ts';
import type { HostedDisk, HostedVm } from './hosted-vm.ts';
import { stringXml } from './simulator.ts';
import type { Simulator } from './simulator.ts';
import { referenceOf, referenceXml } from './soap-message.ts';
import type { Reference } from './soap-message.ts';
import { writeStreamOptimized } from './stream-optimized.ts';
import { devicesXml, leaseKeyOf, placeDisks } from './vm-devices.ts';
import type { PlacedDisk } from './vm-devices.ts';
import { childOf, escapeXml, textOf } from './xml-element.ts';

const DATASTORE = 'LocalDS_0';
const NETWORK = 'VM Network';
const HOSTS = {
  vcenter: { datacenter: 'DC0', host: 'DC0_H0' },
  esxi: { datacenter: 'ha-datacenter', host: 'localhost.localdomain' },
};

export class VmCreator {
  readonly #simulator: Simulator;
  readonly #kind: 'vcenter' | 'esxi';
  readonly #directory: string;
  readonly #folderNames = new Set<string>();

  /** `directory` takes what has to be converted. */
  constructor(simulator: Simulator, kind: 'vcenter' | 'esxi', directory: string) {
    this.#simulator = simulator;
    this.#kind = kind;
    this.#directory = directory;
  }

  async create(vm: FixtureVm): Promise<HostedVm> {
    const name = vm.name.replaceAll('/', '%2f');
    const datacenter = vm.datacenter ?? HOSTS[this.#kind].datacenter;
    const hostName =
      this.#kind === 'esxi' ? HOSTS.esxi.host : HOSTS.vcenter.host.replace('DC0', datacenter);
    const compute = `${datacenter}/host/${hostName}`;
    const host = await this.#find(`${compute}/${hostName}`);
    const pool = await this.#find(`${compute}/Resources`);
    const folder = await this.#openFolder(`${datacenter}/vm`, vm.folder);

    const home = this.#homeOf(name);
    const raws: string[] = [];
    const found = [];
    for (const [index, disk] of (vm.disks ?? []).entries()) {
      const raw = await this.#rawOf(disk, `${home}-${index}`);
      raws.push(raw);
      const path = `[${DATASTORE}] ${home}/${name}${index === 0 ? '' : `_${index}`}.vmdk`;
      found.push({ disk, path, capacityBytes: (await stat(raw)).size });
    }
    const placed = placeDisks(found);
    const backings = new Map<FixtureNic, string>();
    for (const nic of vm.nics ?? []) {
      backings.set(nic, await this.#networkBacking(nic.network ?? NETWORK, datacenter, host));
    }
    const devices = devicesXml(vm, placed, (nic) => backings.get(nic) ?? '');
    const spec = specXml(vm, name, `[${DATASTORE}] ${home}/${name}.vmx`, devices);
    const place = referenceXml('pool', pool) + referenceXml('host', host);
    const content = `<config>${spec}</config>${place}`;
    const ref = referenceOf(await this.#simulator.call('CreateVM_Task', folder, content));
    await this.#finish(vm, ref, placed, raws);
    return {
      ...{ name: vm.name, ref, datacenter, firmware: vm.firmware ?? 'bios' },
      disks: placed.map((disk, index) => this.#hosted(disk, ref, raws[index] ?? '')),
    };
  }

  /** What no specification can say, and what has to come last. */
  async #finish(
    vm: FixtureVm,
    ref: Reference,
    disks: readonly PlacedDisk[],
    raws: readonly string[],
  ): Promise<void> {
    for (const name of vm.snapshots ?? []) {
      const how = '<memory>false</memory><quiesce>false</quiesce>';
      const content = `<name>${escapeXml(name)}</name>${how}`;
      await this.#simulator.call('CreateSnapshot_Task', ref, content);
    }
    if (vm.poweredOn === true) await this.#simulator.call('PowerOnVM_Task', ref);
    if (vm.isTemplate === true) await this.#simulator.call('MarkAsTemplate', ref);
    let committed = 0;
    for (const raw of raws) committed += (await stat(raw)).blocks * 512;
    const guestOs = stringXml(vm.guestOs ?? 'Debian GNU/Linux 11 (64-bit)');
    const running = stringXml('guestToolsRunning');
    await this.#simulator.change(ref, {
      'summary.storage.committed': `<val xsi:type="xsd:long">${committed}</val>`,
      'config.guestFullName': guestOs,
      'summary.config.guestFullName': guestOs,
      ...(vm.ipAddress === undefined
        ? {}
        : {
            'guest.ipAddress': stringXml(vm.ipAddress),
            'summary.guest.ipAddress': stringXml(vm.ipAddress),
            'guest.toolsRunningStatus': running,
            'summary.guest.toolsRunningStatus': running,
          }),
    });
    const devices = disks.filter(({ disk }) => disk.isRawDevice === true);
    if (devices.length > 0) await this.#makeRawDevices(ref, devices);
  }

  /** The simulator cannot create these, but shows them like any other once they are there. */
  async #makeRawDevices(ref: Reference, disks: readonly PlacedDisk[]): Promise<void> {
    const text = await this.#simulator.propertyText(ref, 'config.hardware.device');
    const changed = disks.reduce((all, { key }) => {
      const start = all.indexOf(`<key>${key}</key>`);
      const device = all
        .slice(start)
        .replace('VirtualDiskFlatVer2BackingInfo', 'VirtualDiskRawDiskMappingVer1BackingInfo')
        .replace('</diskMode>', '</diskMode><compatibilityMode>physicalMode</compatibilityMode>');
      return all.slice(0, start) + device;
    }, text);
    await this.#simulator.change(ref, { 'config.hardware.device': changed });
  }

  #hosted(disk: PlacedDisk, vm: Reference, rawPath: string): HostedDisk {
    let stream: Promise<string> | undefined;
    return {
      ...{ label: disk.label, key: disk.key, leaseKey: leaseKeyOf(vm.value, disk), rawPath },
      ...{ path: disk.path, capacityBytes: disk.capacityBytes, isThin: disk.disk.isThin ?? true },
      streamPath: async () => {
        stream ??= this.#writeStream(rawPath, `${vm.value}-${disk.key}.vmdk`);
        return await stream;
      },
    };
  }

  async #writeStream(raw: string, name: string): Promise<string> {
    const target = join(this.#directory, name);
    await writeStreamOptimized(raw, target);
    return target;
  }

  async #rawOf({ path }: FixtureDisk, name: string): Promise<string> {
    const start = Buffer.alloc(4);
    await using file = await open(path);
    await file.read(start, 0, start.length, 0);
    if (!start.equals(Buffer.from('QFI\xfb', 'latin1'))) return path;
    const raw = join(this.#directory, `${name}.raw`);
    await promisify(execFile)('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', path, raw]);
    return raw;
  }

  #homeOf(name: string): string {
    let home = name;
    for (let n = 1; this.#folderNames.has(home); n += 1) home = `${name}_${n}`;
    this.#folderNames.add(home);
    return home;
  }

  async #openFolder(root: string, folder: string | undefined): Promise<Reference> {
    let path = root;
    for (const part of folder?.split('/') ?? []) {
      const parent = await this.#find(path);
      path += `/${part}`;
      if ((await this.#simulator.find(path)) !== undefined) continue;
      await this.#simulator.call('CreateFolder', parent, `<name>${escapeXml(part)}</name>`);
    }
    return await this.#find(path);
  }

  async #networkBacking(name: string, datacenter: string, host: Reference): Promise<string> {
    const path = `${datacenter}/network/${name}`;
    const found = await this.#simulator.find(path);
    if (found?.type === 'DistributedVirtualPortgroup') return await this.#portBacking(found);
    if (found === undefined) {
      const system = await this.#simulator.property(host, 'configManager.networkSystem');
      const spec =
        `<portgrp><name>${escapeXml(name)}</name><vlanId>0</vlanId>` +
        '<vswitchName>vSwitch0</vswitchName><policy/></portgrp>';
      await this.#simulator.call('AddPortGroup', referenceOf(system), spec);
    }
    return (
      '<backing xsi:type="VirtualEthernetCardNetworkBackingInfo">' +
      `<deviceName>${escapeXml(name)}</deviceName></backing>`
    );
  }

  async #portBacking(group: Reference): Promise<string> {
    const key = textOf(await this.#simulator.property(group, 'key'));
    const config = await this.#simulator.property(group, 'config');
    const owner = referenceOf(childOf(config, 'distributedVirtualSwitch'));
    const uuid = textOf(await this.#simulator.property(owner, 'uuid'));
    return (
      '<backing xsi:type="VirtualEthernetCardDistributedVirtualPortBackingInfo"><port>' +
      `<switchUuid>${uuid}</switchUuid><portgroupKey>${key}</portgroupKey></port></backing>`
    );
  }

  async #find(path: string): Promise<Reference> {
    const found = await this.#simulator.find(path);
    if (found === undefined) throw new Error(`the simulator has no ${path}`);
    return found;
  }
}

function specXml(vm: FixtureVm, name: string, vmx: string, devices: string): string {
  return (
    `<name>${escapeXml(name)}</name><guestId>${vm.guestId ?? 'debian11_64Guest'}</guestId>` +
    `<files><vmPathName>${escapeXml(vmx)}</vmPathName></files><numCPUs>${vm.cpus ?? 1}</numCPUs>` +
    `<numCoresPerSocket>${vm.coresPerSocket ?? 1}</numCoresPerSocket>` +
    `<memoryMB>${vm.memoryMib ?? 256}</memoryMB>${devices}` +
    `<bootOptions><efiSecureBootEnabled>${vm.isSecureBoot ?? false}</efiSecureBootEnabled>` +
    `</bootOptions><firmware>${vm.firmware ?? 'bios'}</firmware>` +
    `<changeTrackingEnabled>${vm.isTrackingChanges ?? false}</changeTrackingEnabled>`
  );
}
