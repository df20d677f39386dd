/**
 * Opens the disks of a VM by VMware's own library, which nbdkit drives: for what neither a lease
 * nor the files of a datastore give. For each disk one nbdkit runs here, reads it with a login of
 * its own, and gives it over a socket. It is tried before anybody is told that it can be read: a
 * refused login or a locked disk shows then.
 *
 * A VM that is off is read as it is, whatever snapshots it has. One that runs is read as it was at
 * its newest snapshot.
 */
import { NbdSource } from '#disks/nbd/nbd-source.ts';
import { untilAborted } from '#kernel/abort.ts';
import { DroverError, toDroverError } from '#kernel/errors.ts';
import type { SourceVm, SourceVmDisk } from '#transfers/source-vm.ts';
import type { Export, ExportedDisk } from '#transfers/source.ts';
import { DatastoreFiles, parseDatastorePath } from './datastore-files.ts';
import { readPowerState } from './inventory.ts';
import { readReference, type ManagedObject } from './managed-object.ts';
import { NbdkitProcess } from './nbdkit-process.ts';
import { retrieveOne } from './property-collector.ts';
import { readTrustedFingerprint } from './server-certificate.ts';
import type { VSphereLogin, VSphereSession } from './session.ts';
import type { VddkParts, VddkProgram } from './vddk-parts.ts';
import { vmGone } from './vm-details.ts';
import { readDisks } from './vm-devices.ts';
import { parseVmdkDescriptor } from './vmdk-descriptor.ts';

/** The second does without encryption, for hosts that offer nothing else. */
const TRANSPORTS = 'nbdssl:nbd';

export interface VddkAccess {
  readonly parts: VddkParts;
  readonly login: Pick<VSphereLogin, 'username' | 'password'>;
}

export async function openVddkExport(
  session: VSphereSession,
  vm: SourceVm,
  { parts, login }: VddkAccess,
  signal: AbortSignal,
): Promise<Export> {
  const { program, obstacle } = await untilAborted(parts.state(), signal);
  if (program === undefined) throw vddkUnavailable(obstacle);
  const { snapshot, disks } = await findState(session, vm, signal);
  const thumbprint = await readTrustedFingerprint(session, signal);
  const reader = { session, vm, login, program, snapshot, thumbprint };
  await using stack = new AsyncDisposableStack();
  const opened: OpenDisk[] = [];
  for (const disk of disks) opened.push(stack.use(await openDisk(reader, disk, signal)));
  return new VddkExport(opened, stack.move());
}

/** `obstacle` says why, and what to do about it. */
export function vddkUnavailable(obstacle: string): DroverError {
  return new DroverError(
    'failed_precondition',
    `options.conversion_method: vddk cannot be used here: ${obstacle}`,
    { reason: 'TRANSPORT_UNAVAILABLE' },
  );
}

class VddkExport implements Export {
  readonly transport = 'vddk';
  readonly disks: readonly ExportedDisk[];
  readonly lost: AbortSignal;
  readonly #owned: AsyncDisposableStack;

  constructor(opened: readonly OpenDisk[], owned: AsyncDisposableStack) {
    this.disks = opened.map(({ disk }) => disk);
    this.lost = AbortSignal.any(opened.map(({ ended }) => ended));
    this.#owned = owned;
  }

  /** Nobody at the source shows it. */
  setProgress(): void {}

  complete(): Promise<void> {
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

interface DiskReaderParts {
  readonly session: VSphereSession;
  readonly vm: SourceVm;
  readonly login: VddkAccess['login'];
  readonly program: VddkProgram;
  /** Undefined: the disk as it is now. */
  readonly snapshot: ManagedObject | undefined;
  readonly thumbprint: string;
}

interface ReadableState {
  readonly snapshot: ManagedObject | undefined;
  /** With their files as they were then. */
  readonly disks: readonly SourceVmDisk[];
}

/** The state may be another than when the VM was found, so it is asked for again. */
async function findState(
  session: VSphereSession,
  { ref, path, disks }: SourceVm,
  signal: AbortSignal,
): Promise<ReadableState> {
  const vm = { type: 'VirtualMachine', id: ref };
  const found = await retrieveOne(session, vm, ['runtime.powerState', 'snapshot'], signal);
  if (found === undefined) throw vmGone(ref);
  if (readPowerState(found.text('runtime.powerState')) === 'poweredOff') {
    return { snapshot: undefined, disks };
  }
  const snapshot = readReference(found.element('snapshot')?.child('currentSnapshot'));
  if (snapshot === undefined) {
    throw new DroverError(
      'failed_precondition',
      `${path} is not off, and has no snapshot to be read instead: shut it down first`,
      { reason: 'VM_NOT_OFF' },
    );
  }
  const then = await retrieveOne(session, snapshot, ['config.hardware.device'], signal);
  const devices = readDisks(then?.element('config.hardware.device')?.children ?? []);
  return { snapshot, disks: disks.map((disk) => diskThen(disk, devices)) };
}

function diskThen(disk: SourceVmDisk, devices: readonly SourceVmDisk[]): SourceVmDisk {
  const then = devices.find(({ key }) => key === disk.key);
  if (then?.capacityBytes === disk.capacityBytes) return then;
  const what = then === undefined ? 'was not there' : 'was smaller';
  throw new DroverError(
    'failed_precondition',
    `${disk.label} ${what} when the newest snapshot was made: shut the VM down instead`,
    { reason: 'DISK_NOT_IN_SNAPSHOT' },
  );
}

interface OpenDisk extends AsyncDisposable {
  readonly disk: ExportedDisk;
  readonly ended: AbortSignal;
}

async function openDisk(
  parts: DiskReaderParts,
  disk: SourceVmDisk,
  signal: AbortSignal,
): Promise<OpenDisk> {
  const { session, vm, login, program } = parts;
  const { key, label, capacityBytes } = disk;
  const state = await contentState(parts, disk, signal);
  await using stack = new AsyncDisposableStack();
  const nbdkit = stack.use(
    await NbdkitProcess.start(
      {
        ...{ program: program.program, environment: program.environment, label },
        ...{ args: argumentsFor(parts, disk), password: login.password, clock: session.clock },
      },
      signal,
    ),
  );
  const { socketPath, ended } = nbdkit;
  const tell = () => session.log.warn({ err: ended.reason as Error, vm: vm.path }, 'nbdkit ended');
  ended.addEventListener('abort', tell, { once: true });
  const place = { socketPath, exportName: '', capacityBytes };
  try {
    const either = AbortSignal.any([signal, ended]);
    await using _tried = await NbdSource.open({ ...place, clock: session.clock }, either);
  } catch (thrown) {
    signal.throwIfAborted();
    throw toRefusal(nbdkit, disk, thrown);
  }
  const owned = stack.move();
  return {
    disk: {
      key,
      feed: { kind: 'nbd', ...place, state: state ?? '' },
      isResumable: state !== undefined,
    },
    ended,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function argumentsFor(parts: DiskReaderParts, { path }: SourceVmDisk): readonly string[] {
  const { session, vm, login, program, snapshot, thumbprint } = parts;
  const { hostname, port } = session.url;
  return [
    ...program.args,
    `server=${hostname.replace(/^\[|\]$/g, '')}`,
    ...(port === '' ? [] : [`port=${port}`]),
    `user=${login.username}`,
    `thumbprint=${thumbprint}`,
    `vm=moref=${vm.ref}`,
    ...(snapshot === undefined ? [] : [`snapshot=${snapshot.id}`]),
    `transports=${TRANSPORTS}`,
    `file=${path}`,
  ];
}

/**
 * Names what the disk holds, so that a copy goes on only with the same: its descriptor has an id
 * that is another after the first write. Undefined where it cannot be read: then a copy that broke
 * off begins anew.
 */
async function contentState(
  { session, vm, snapshot }: DiskReaderParts,
  { path, label, changeId }: SourceVmDisk,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const files = new DatastoreFiles(session, vm.datacenter);
    const text = await files.readText(parseDatastorePath(path), signal);
    const { contentId } = parseVmdkDescriptor(text, label);
    if (contentId === undefined) return undefined;
    return JSON.stringify([vm.ref, path, snapshot?.id, changeId, contentId]);
  } catch (error) {
    signal.throwIfAborted();
    session.log.info({ err: error, vm: vm.path, disk: label }, 'a copy cannot be resumed');
    return undefined;
  }
}

/** VDDK tells in words why it does not open a disk, on the standard error of nbdkit. */
function toRefusal(nbdkit: NbdkitProcess, { label }: SourceVmDisk, cause: unknown): DroverError {
  const { kind, message } = toDroverError(cause);
  const words = nbdkit.lastWords;
  if (/incorrect user name or password|cannot complete login/i.test(words)) {
    return new DroverError('unauthenticated', `VDDK does not get in to read ${label}: ${words}`, {
      ...{ reason: 'VSPHERE_INVALID_LOGIN', cause },
    });
  }
  if (/access rights|permission/i.test(words)) {
    return new DroverError('permission_denied', `VDDK may not read ${label}: ${words}`, {
      ...{ reason: 'VDDK_REFUSED', cause },
    });
  }
  const why = words === '' ? message : words;
  return new DroverError(
    kind === 'failed_precondition' ? kind : 'unavailable',
    `VDDK cannot read ${label}: ${why}`,
    { reason: 'VDDK_FAILED', cause },
  );
}
