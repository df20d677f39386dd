/** Disks: found in the image directories, one of them the root. */
import type { StorageDevice } from '#gen/vmprovisioner/v1/vm_pb.js';
import { invalidArgument } from '#kernel/errors.ts';
import type { CustomerId } from '#kernel/ids.ts';
import type { ImageCatalog } from '#machines/hypervisor.ts';
import { MOST_DISKS, parseDeviceId, quote } from '#machines/machine-rules.ts';
import type { DiskBus, DiskSpec } from '#machines/machine-spec.ts';
import { eitherFlag, eitherName } from './either-name.ts';
import { refuseOptions } from './parse-compute.ts';

/** Undefined: what machines have where nothing is said. */
const BUSES: ReadonlyMap<string, DiskBus | undefined> = new Map([
  ['', undefined],
  ['virtio', undefined],
  ['virtio-blk', undefined],
  ['sata', 'sata'],
  ['nvme', 'nvme'],
]);

export async function parseStorage(
  devices: readonly StorageDevice[],
  images: ImageCatalog,
  customerId: CustomerId,
): Promise<readonly DiskSpec[]> {
  if (devices.length === 0) {
    throw invalidArgument('config.storage', 'needs at least one device, the root disk');
  }
  if (devices.length > MOST_DISKS) {
    throw invalidArgument('config.storage', `must have at most ${MOST_DISKS} devices`);
  }
  const taken = new Set<string>();
  const disks: DiskSpec[] = [];
  for (const [index, device] of devices.entries()) {
    const path = `config.storage[${index}]`;
    disks.push(await parseDisk(path, device, { images, customerId, taken }));
  }
  const roots = disks.filter((disk) => disk.isRoot).length;
  if (roots !== 1) {
    throw invalidArgument(
      'config.storage',
      `must mark exactly one device with is_root_device, got ${roots}`,
    );
  }
  return disks;
}

interface DiskContext {
  readonly images: ImageCatalog;
  readonly customerId: CustomerId;
  readonly taken: Set<string>;
}

async function parseDisk(
  path: string,
  device: StorageDevice,
  { images, customerId, taken }: DiskContext,
): Promise<DiskSpec> {
  const id = eitherName(path, ['id', device.id], ['device_id', device.deviceId]);
  const file = eitherName(path, ['path', device.path], ['path_on_host', device.pathOnHost]);
  const isReadOnly = eitherFlag(
    path,
    ['read_only', device.readOnly],
    ['is_read_only', device.isReadOnly],
  );
  const bus = BUSES.get(device.interfaceType);
  if (!BUSES.has(device.interfaceType)) {
    throw invalidArgument(
      `${path}.interface_type`,
      `must be virtio-blk, sata, nvme or left out, got ${quote(device.interfaceType)}`,
    );
  }
  refuseOptions(`${path}.options`, device.options, ['write_mode']);
  parseDeviceId(id.field, id.value, taken);
  if (file.value === '') throw invalidArgument(file.field, 'is required');
  const writeMode = parseWriteMode(`${path}.options.write_mode`, device.options['write_mode']);
  const image = await images.resolveDisk(file.field, file.value, customerId);
  if (writeMode === 'direct' && !isReadOnly && !image.isOwn) {
    throw invalidArgument(
      `${path}.options.write_mode`,
      `direct is for disks in your own folder, customers/${customerId}/; others share this one`,
    );
  }
  return {
    id: id.value,
    path: image.realPath,
    givenPath: file.value,
    format: image.format,
    sizeBytes: image.sizeBytes,
    isReadOnly,
    isRoot: device.isRootDevice,
    writeMode,
    ...(bus !== undefined && { bus }),
  };
}

function parseWriteMode(field: string, text: string | undefined): 'overlay' | 'direct' {
  if (text === undefined || text === 'overlay') return 'overlay';
  if (text === 'direct') return 'direct';
  throw invalidArgument(field, `must be overlay or direct, got ${quote(text)}`);
}
