/**
 * Opens the disks of a VM as files on their datastores. Ranges of them can be read again, so a
 * copy that broke off goes on where it was. It reads one flat file for each disk, so what it gives
 * is the whole of the disk only where nothing else holds a newer part of it: of a VM that is off
 * and has no snapshot, or, as it was at its one snapshot, of a VM that runs.
 */
import { DroverError } from '#kernel/errors.ts';
import type { SourceVm, SourceVmDisk } from '#transfers/source-vm.ts';
import type { ChangedArea, Export, ExportedDisk } from '#transfers/source.ts';
import { DatastoreFiles, parseDatastorePath, type DatastorePath } from './datastore-files.ts';
import { readPowerState } from './inventory.ts';
import { readReference, type ManagedObject } from './managed-object.ts';
import { retrieveOne } from './property-collector.ts';
import type { VSphereSession } from './session.ts';
import { queryChangedAreas } from './snapshots.ts';
import { countSnapshots, vmGone } from './vm-details.ts';
import { flatExtentOf, parseVmdkDescriptor, plainName } from './vmdk-descriptor.ts';

const SECTOR_BYTES = 512;
/** One connection rarely fills a network; many only take from other readers of the host. */
const CONNECTIONS = 4;

export async function openDatastoreExport(
  session: VSphereSession,
  vm: SourceVm,
  signal: AbortSignal,
): Promise<Export> {
  const snapshot = await findReadableState(session, vm, signal);
  const files = new DatastoreFiles(session, vm.datacenter);
  const reader = { session, files, vm, snapshot };
  const disks: ExportedDisk[] = [];
  for (const disk of vm.disks) disks.push(await openDisk(reader, disk, signal));
  return new DatastoreExport(session, disks);
}

class DatastoreExport implements Export {
  readonly transport = 'datastore';
  readonly disks: readonly ExportedDisk[];
  readonly #lost = new AbortController();
  readonly #renewal: Disposable;

  constructor(session: VSphereSession, disks: readonly ExportedDisk[]) {
    this.disks = disks;
    this.#renewal = session.onRenewal(() => this.#lost.abort(cookieOutdated()));
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Nobody at the source shows it. */
  setProgress(): void {}

  complete(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#renewal[Symbol.dispose]();
    return Promise.resolve();
  }
}

interface DiskReaderParts {
  readonly session: VSphereSession;
  readonly files: DatastoreFiles;
  readonly vm: SourceVm;
  /** Undefined: the disk as it is now. */
  readonly snapshot: ManagedObject | undefined;
}

/** The state may be another than when the VM was found, so it is asked for again. */
async function findReadableState(
  session: VSphereSession,
  { ref, path }: SourceVm,
  signal: AbortSignal,
): Promise<ManagedObject | undefined> {
  const vm = { type: 'VirtualMachine', id: ref };
  const found = await retrieveOne(session, vm, ['runtime.powerState', 'snapshot'], signal);
  if (found === undefined) throw vmGone(ref);
  const isOff = readPowerState(found.text('runtime.powerState')) === 'poweredOff';
  const info = found.element('snapshot');
  const count = countSnapshots(info);
  if (isOff && count === 0) return undefined;
  if (!isOff && count === 1) return readReference(info?.child('currentSnapshot'));
  const why = isOff ? `has ${count} snapshots` : 'is not off';
  const remedy = isOff ? 'remove them, or use the conversion method nfc' : 'shut it down first';
  throw new DroverError(
    'failed_precondition',
    `${path} ${why}, so its disks cannot be read whole from their datastores: ${remedy}`,
    { reason: isOff ? 'VM_HAS_SNAPSHOTS' : 'VM_NOT_OFF' },
  );
}

async function openDisk(
  parts: DiskReaderParts,
  disk: SourceVmDisk,
  signal: AbortSignal,
): Promise<ExportedDisk> {
  const { files } = parts;
  if (disk.isRawDevice) throw refused(disk, 'is a raw device', 'RAW_DEVICE');
  const flat = await findFlatFile(parts, disk, signal);
  const sizeBytes = await files.sizeOf(flat, signal);
  if (sizeBytes < disk.capacityBytes) {
    throw refused(disk, `has ${sizeBytes} bytes of its ${disk.capacityBytes}`, 'DISK_TOO_SHORT');
  }
  const allocated = await findAllocated(parts, disk, signal);
  return {
    key: disk.key,
    feed: {
      kind: 'ranges',
      place: files.placeOf(flat),
      capacityBytes: disk.capacityBytes,
      connections: CONNECTIONS,
      ...(allocated === undefined ? {} : { allocated }),
    },
    isResumable: true,
  };
}

async function findFlatFile(
  { files, snapshot }: DiskReaderParts,
  disk: SourceVmDisk,
  signal: AbortSignal,
): Promise<DatastorePath> {
  let path = parseDatastorePath(disk.path);
  let descriptor = parseVmdkDescriptor(await files.readText(path, signal), disk.label);
  if (snapshot !== undefined && descriptor.hasParent) {
    path = { ...path, name: plainName(descriptor.parentName, disk.label) };
    descriptor = parseVmdkDescriptor(await files.readText(path, signal), disk.label);
  }
  if (descriptor.hasParent) throw refused(disk, 'has a parent', 'DISK_HAS_PARENT');
  const extent = flatExtentOf(descriptor, disk.label);
  if (extent.sectors * SECTOR_BYTES < disk.capacityBytes) {
    throw refused(disk, 'is larger than its file', 'DISK_TOO_SHORT');
  }
  return { ...path, name: extent.name };
}

/** What is not known to be empty is read; so whatever goes wrong here costs only time. */
async function findAllocated(
  { session, vm, snapshot }: DiskReaderParts,
  { key, capacityBytes, changeId, label }: SourceVmDisk,
  signal: AbortSignal,
): Promise<readonly ChangedArea[] | undefined> {
  if (changeId === undefined) return undefined;
  const query = {
    vm: { type: 'VirtualMachine', id: vm.ref },
    snapshotRef: snapshot?.id,
    key,
    capacityBytes,
    changeId: '*',
  };
  try {
    return await queryChangedAreas(session, query, signal);
  } catch (error) {
    signal.throwIfAborted();
    session.log.info({ err: error, vm: vm.path, disk: label }, 'reading all of a disk');
    return undefined;
  }
}

function refused({ label }: SourceVmDisk, why: string, reason: string): DroverError {
  const remedy = 'use the conversion method nfc';
  return new DroverError('failed_precondition', `${label} ${why}: ${remedy}`, { reason });
}

function cookieOutdated(): DroverError {
  return new DroverError('unavailable', 'the vSphere session was renewed: open the disks again', {
    reason: 'VSPHERE_SESSION_RENEWED',
  });
}
