/** Opens the disks of a VM as streams, under a lease: works for every kind of datastore. */
import { DroverError } from '#kernel/errors.ts';
import type { HttpTrust } from '#kernel/http-trust.ts';
import type { HttpPlace } from '#transfers/disk-feed.ts';
import type { SourceVm, SourceVmDisk } from '#transfers/source-vm.ts';
import type { Export, ExportedDisk } from '#transfers/source.ts';
import { trustInHost } from './host-trust.ts';
import { unexpectedAnswer } from './managed-object.ts';
import { NfcLease, type DeviceUrl } from './nfc-lease.ts';
import type { VSphereSession } from './session.ts';
import { readLeasePlace } from './vm-devices.ts';

export async function openNfcExport(
  session: VSphereSession,
  vm: SourceVm,
  signal: AbortSignal,
): Promise<Export> {
  await using undo = new AsyncDisposableStack();
  const lease = undo.use(
    await NfcLease.open(session, { type: 'VirtualMachine', id: vm.ref }, signal),
  );
  const trusts = new Map<string, HttpTrust>();
  const disks: ExportedDisk[] = [];
  for (const { disk, device } of pairDisks(vm.disks, lease.deviceUrls)) {
    const place = await toPlace(session, device, trusts, signal);
    disks.push({ key: disk.key, feed: { kind: 'stream', place }, isResumable: false });
  }
  undo.move();
  return new NfcExport(lease, disks);
}

class NfcExport implements Export {
  readonly transport = 'nfc';
  readonly disks: readonly ExportedDisk[];
  readonly #lease: NfcLease;

  constructor(lease: NfcLease, disks: readonly ExportedDisk[]) {
    this.#lease = lease;
    this.disks = disks;
  }

  get lost(): AbortSignal {
    return this.#lease.lost;
  }

  setProgress(percent: number): void {
    this.#lease.setProgress(percent);
  }

  async complete(signal: AbortSignal): Promise<void> {
    await this.#lease.complete(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lease[Symbol.asyncDispose]();
  }
}

interface Pair {
  readonly disk: SourceVmDisk;
  readonly device: DeviceUrl;
}

/** By where they are on the VM; where the lease does not say so, by their order, if it is plain. */
export function pairDisks(
  disks: readonly SourceVmDisk[],
  devices: readonly DeviceUrl[],
): readonly Pair[] {
  const given = devices.filter((device) => device.isDisk);
  const byPlace = disks.flatMap((disk) => {
    const device = given.find((one) => isPlaceOf(one, disk));
    return device === undefined ? [] : [{ disk, device }];
  });
  if (byPlace.length === disks.length) return byPlace;
  if (byPlace.length === 0 && given.length === disks.length) {
    const inOrder = [...given].sort((a, b) => numberOf(a) - numberOf(b));
    return disks.flatMap((disk, at) => {
      const device = inOrder[at];
      return device === undefined ? [] : [{ disk, device }];
    });
  }
  const missing = disks.filter((disk) => byPlace.every((pair) => pair.disk !== disk));
  throw new DroverError(
    'failed_precondition',
    `vSphere does not export ${missing.map((disk) => disk.label).join(', ')}`,
    { reason: 'DISK_NOT_EXPORTED' },
  );
}

function isPlaceOf(device: DeviceUrl, disk: SourceVmDisk): boolean {
  if (device.key === disk.key) return true;
  const place = readLeasePlace(device.key);
  return place?.controller === disk.controller && place.position === disk.position;
}

/** Of `disk-3.vmdk`. */
function numberOf({ targetId, url }: DeviceUrl): number {
  return Number(/(\d{1,6})\.vmdk$/i.exec(targetId ?? url)?.[1] ?? 0);
}

async function toPlace(
  session: VSphereSession,
  device: DeviceUrl,
  trusts: Map<string, HttpTrust>,
  signal: AbortSignal,
): Promise<HttpPlace> {
  const url = toUrl(device.url, session.url);
  const { cookie, trust } = session;
  if (url.host === session.url.host) {
    return { url: url.href, headers: cookie === undefined ? {} : { cookie }, trust };
  }
  // The session's cookie is vCenter's alone; a host knows the lease by its URL.
  const known = trusts.get(url.host) ?? (await trustInHost(url, device, session, signal));
  trusts.set(url.host, known);
  return { url: url.href, headers: {}, trust: known };
}

/** A host `*` is the server that was asked. */
function toUrl(text: string, server: URL): URL {
  const named = text
    .replace(/^(https?:\/\/)\*(?=:\d)/, `$1${server.hostname}`)
    .replace(/^(https?:\/\/)\*(?=\/)/, `$1${server.host}`);
  if (!URL.canParse(named)) throw unexpectedAnswer('a disk has no URL');
  const url = new URL(named);
  if (url.protocol === 'https:' || url.protocol === server.protocol) return url;
  throw new DroverError(
    'failed_precondition',
    `${url.host} gives its disks without TLS only: turn TLS on for NFC at the host`,
    { reason: 'EXPORT_WITHOUT_TLS' },
  );
}
