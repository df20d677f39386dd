/** VMs in files as other programs write them: OVF, OVA, images (Debian: qemu-utils). */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MIB } from '#kernel/units.ts';
import { convertDisk, someBytes, writeDisk } from '#test/disks/generated-disk.ts';

const run = promisify(execFile);

export interface OvfPlan {
  readonly name: string;
  /** Names of files beside it. */
  readonly disks: readonly string[];
  readonly capacityMib?: number;
  /** Markup in the hardware, in the File element's tag, and in the envelope. */
  readonly hardware?: string;
  readonly fileAttributes?: string;
  readonly sections?: string;
}

/** As VMware's ovftool writes it, without what nobody reads. */
export function ovfText(plan: OvfPlan): string {
  const { name, disks, capacityMib = 12, hardware = '', fileAttributes = '', sections = '' } = plan;
  const each = (text: (file: string, index: number) => string) => disks.map(text).join('\n');
  return `<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  xmlns:vmw="http://www.vmware.com/schema/ovf">
  <References>${each(
    (file, at) => `<File ovf:href="${file}" ovf:id="file${at}" ${fileAttributes}/>`,
  )}
  </References>
  <DiskSection><Info/>${each(
    (_file, at) => `<Disk ovf:capacity="${capacityMib}" ovf:capacityAllocationUnits="byte * 2^20"
      ovf:diskId="vmdisk${at}" ovf:fileRef="file${at}"/>`,
  )}</DiskSection>
  ${sections}
  <VirtualSystem ovf:id="${name}"><Info/><Name>${name}</Name>
    <OperatingSystemSection ovf:id="96" vmw:osType="debian12_64Guest"><Info/>
      <Description>Debian GNU/Linux 12 (64-bit)</Description></OperatingSystemSection>
    <VirtualHardwareSection><Info/>
      <Item><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType>
        <rasd:VirtualQuantity>4</rasd:VirtualQuantity>
        <vmw:CoresPerSocket ovf:required="false">2</vmw:CoresPerSocket></Item>
      <Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>
        <rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType>
        <rasd:VirtualQuantity>2048</rasd:VirtualQuantity></Item>
      <Item><rasd:InstanceID>3</rasd:InstanceID>
        <rasd:ResourceSubType>VirtualSCSI</rasd:ResourceSubType>
        <rasd:ResourceType>6</rasd:ResourceType></Item>
      ${each(
        (_file, at) => `<Item><rasd:AddressOnParent>${at}</rasd:AddressOnParent>
        <rasd:ElementName>Hard disk ${at + 1}</rasd:ElementName>
        <rasd:HostResource>ovf:/disk/vmdisk${at}</rasd:HostResource>
        <rasd:InstanceID>${10 + at}</rasd:InstanceID><rasd:Parent>3</rasd:Parent>
        <rasd:ResourceType>17</rasd:ResourceType></Item>`,
      )}
      <Item><rasd:AutomaticAllocation>true</rasd:AutomaticAllocation>
        <rasd:Connection>VM Network</rasd:Connection>
        <rasd:ElementName>Network adapter 1</rasd:ElementName>
        <rasd:InstanceID>30</rasd:InstanceID><rasd:ResourceSubType>VmxNet3</rasd:ResourceSubType>
        <rasd:ResourceType>10</rasd:ResourceType></Item>
      <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>${hardware}
    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>
`;
}

/** A raw disk of 12 MiB with data and holes, and the same as an image of some kind. */
export async function makeImage(
  directory: string,
  name: string,
  options: readonly string[] = ['vmdk', '-o', 'subformat=streamOptimized'],
): Promise<{ readonly raw: string; readonly image: string }> {
  const raw = join(directory, `${name}.model`);
  const image = join(directory, name);
  const writes = [
    { offset: 0, data: someBytes(1, MIB) },
    { offset: 7 * MIB, data: someBytes(2, 2 * MIB) },
  ];
  writeDisk(raw, { bytes: 12 * MIB, writes });
  await convertDisk(raw, image, options);
  return { raw, image };
}

/** Of files beside it. */
export async function manifestText(
  directory: string,
  names: readonly string[],
  algorithm: 'sha1' | 'sha256' = 'sha256',
): Promise<string> {
  const lines = names.map(async (name) => {
    const hash = createHash(algorithm).update(await readFile(join(directory, name)));
    return `${algorithm.toUpperCase()}(${name})= ${hash.digest('hex')}\n`;
  });
  return (await Promise.all(lines)).join('');
}

/** Writes `NAME.ova` from the files in the order in which they are named. */
export async function makeOva(
  directory: string,
  name: string,
  files: readonly string[],
): Promise<string> {
  const path = join(directory, `${name}.ova`);
  await run('tar', ['-C', directory, '--format=ustar', '-cf', path, ...files]);
  return path;
}

export interface PackageOptions {
  readonly algorithm?: 'sha1' | 'sha256';
  /** Of the manifest. */
  readonly spoil?: (manifest: string) => string;
}

/** `NAME.ovf`, `NAME.mf` and `NAME-disk1.vmdk`; answers the raw disk that it is made of. */
export async function makePackage(
  directory: string,
  name: string,
  { algorithm, spoil = (text) => text }: PackageOptions = {},
): Promise<{ readonly raw: string; readonly files: readonly string[] }> {
  const [ovf, manifest, disk] = [`${name}.ovf`, `${name}.mf`, `${name}-disk1.vmdk`];
  const { raw } = await makeImage(directory, disk);
  await writeFile(join(directory, ovf), ovfText({ name, disks: [disk] }));
  const text = await manifestText(directory, [ovf, disk], algorithm);
  await writeFile(join(directory, manifest), spoil(text));
  return { raw, files: [ovf, manifest, disk] };
}
