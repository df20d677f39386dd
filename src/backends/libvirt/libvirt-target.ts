/**
 * Libvirt as a place for VMs to go to: on this host, or by ssh on another. Each call finds what an
 * earlier one left. These always hold:
 *
 * - No domain, file or volume is changed or removed that does not bear the owner of the job.
 * - Until the domain is defined, each of its disks bears the owner; from then on, the domain does.
 */
import { randomHex } from '#kernel/random.ts';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, isErrorKind, toDroverError } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import type { Finding } from '#transfers/finding.ts';
import type { SourceVm } from '#transfers/source-vm.ts';
import type { DefinedVm, DiskPlace, Sending, Target, TargetVm } from '#transfers/target.ts';
import { BootWatch } from './boot-watch.ts';
import { nameDisks, type NamedDisk } from './disk-names.ts';
import type { DiskStorage } from './disk-storage.ts';
import { buildDomainXml, machineOf, type DomainParts, type ScsiModel } from './domain-xml.ts';
import { LibvirtHost, type Accelerator, type KnownDomain } from './libvirt-host.ts';
import type { LibvirtUri } from '#transfers/libvirt-uri.ts';
import { NetworkFinder } from './network-finder.ts';
import { StorageFinder } from './storage-finder.ts';
import { findAtTarget } from './target-findings.ts';
import type { Virsh } from './virsh.ts';

export interface LibvirtTargetOptions {
  readonly uri: LibvirtUri;
  readonly virsh: Virsh;
  readonly clock: Clock;
  readonly log: Log;
  /** Of the job, here: for what cannot be written in its place at once. */
  readonly workDirectory: string;
  /** Where disks go that have no mapping: at most one of them; neither: the pool `default`. */
  readonly pool?: string | undefined;
  readonly directory?: string | undefined;
  /** The folders of this host that disks may go to; undefined: any. */
  readonly directories?: readonly string[] | undefined;
  readonly accelerator?: Accelerator | undefined;
  /**
   * What is wrong with a KVM that libvirt takes for good: it only looks whether QEMU can open it.
   * Where the accelerator is not said, guests then run without.
   */
  readonly kvmFault?: string | undefined;
  /** Whether the host starts the VM whenever it starts itself. */
  readonly isAutostarted?: boolean | undefined;
  readonly readyTexts?: readonly string[] | undefined;
  readonly scsiModel?: ScsiModel | undefined;
}

const DEFAULT_READY_TEXTS = ['login:'];
const REMOVED_AT_ONCE = 4;

interface StoredDisk {
  readonly named: NamedDisk;
  readonly storage: DiskStorage;
}

export class LibvirtTarget implements Target {
  readonly kind = 'kvm';
  readonly #options: LibvirtTargetOptions;
  readonly #host: LibvirtHost;
  readonly #storages: StorageFinder;
  readonly #networks: NetworkFinder;
  readonly #boot: BootWatch;

  constructor(options: LibvirtTargetOptions) {
    const { uri, virsh, clock, workDirectory, pool, directory, directories: allowed } = options;
    this.#options = options;
    const host = new LibvirtHost(virsh);
    const { isLocal, scope } = uri;
    this.#host = host;
    const places = { pool, directory, allowed, workDirectory };
    this.#storages = new StorageFinder({ host, clock, isLocal, ...places });
    this.#networks = new NetworkFinder(host, scope);
    const readyTexts = options.readyTexts ?? DEFAULT_READY_TEXTS;
    this.#boot = new BootWatch({ host, clock, isLocal, readyTexts });
  }

  async check(vm: TargetVm, source: SourceVm, signal: AbortSignal): Promise<readonly Finding[]> {
    return await findAtTarget({
      ...{ host: this.#host, storages: this.#storages, networks: this.#networks },
      ...{ accelerator: this.#accelerator, kvmFault: this.#options.kvmFault },
      ...{ vm, source, signal },
    });
  }

  async placeDisks(vm: TargetVm, signal: AbortSignal): Promise<readonly DiskPlace[]> {
    const places: DiskPlace[] = [];
    for (const { named, storage } of await this.#stored(vm, signal)) {
      const path = await storage.place(named, signal);
      places.push({ key: named.disk.key, path, isSentOn: storage.isSentTo });
    }
    return places;
  }

  async sendDisks(
    vm: TargetVm,
    _places: readonly DiskPlace[],
    { begin, advance, limiter }: Sending,
    signal: AbortSignal,
  ): Promise<void> {
    const lengths = new Map<string, number>();
    const unsent: StoredDisk[] = [];
    for (const disk of await this.#stored(vm, signal)) {
      const bytes = await disk.storage.unsentBytes(disk.named);
      if (bytes === undefined) continue;
      lengths.set(disk.named.disk.key, bytes);
      unsent.push(disk);
    }
    if (unsent.length === 0) return;
    begin(lengths);
    for (const { named, storage } of unsent) {
      const onProgress = (doneBytes: number) => advance(named.disk.key, doneBytes);
      await storage.send(named, { limiter, onProgress }, signal);
    }
  }

  async adoptDisks(
    vm: TargetVm,
    _places: readonly DiskPlace[],
    signal: AbortSignal,
  ): Promise<void> {
    // The marks of the disks are gone once the domain is there: they were adopted before it.
    if ((await this.#ownOrNone(vm, signal)) !== undefined) return;
    const disks = await this.#stored(vm, signal);
    for (const { named, storage } of disks) await storage.adopt(named, signal);
    await this.#refresh(disks, signal);
  }

  async define(
    vm: TargetVm,
    _places: readonly DiskPlace[],
    signal: AbortSignal,
  ): Promise<DefinedVm> {
    const own = await this.#ownOrNone(vm, signal);
    const disks = await this.#stored(vm, signal);
    const parts = await this.#domainParts(vm, disks, { own, signal });
    await this.#withFile(vm, buildDomainXml(parts), async (file) => {
      await this.#host.virsh.run(['define', '--validate', `--file=${file}`], { signal });
    });
    const defined = await this.#findOwn(vm, signal);
    if (defined === undefined) throw lost(vm);
    if (this.#options.isAutostarted === true) {
      await this.#host.virsh.run(['autostart', `--domain=${defined.uuid}`], { signal });
    }
    for (const { named, storage } of disks) await storage.settle(named);
    await this.#refresh(disks, signal);
    return { ref: defined.uuid, summary: this.#summary(defined, parts) };
  }

  async start(ref: string, signal: AbortSignal): Promise<void> {
    const { state } = await this.#host.stateOf(ref, signal);
    if (state === 'running') return;
    await this.#boot.prepare(ref, signal);
    // A guest with much memory to be cleared, or a network slow to come, is a long start.
    await this.#host.virsh.run(['start', `--domain=${ref}`], { signal, timeoutMs: 300_000 });
  }

  async awaitBoot(ref: string, timeoutMs: number, signal: AbortSignal): Promise<string> {
    return await this.#boot.awaitLife(ref, timeoutMs, signal);
  }

  async remove(vm: TargetVm, signal: AbortSignal): Promise<readonly string[]> {
    const removed: string[] = [];
    const [own, reachable] = await Promise.all([
      this.#findOwn(vm, signal),
      this.#reachable(vm, signal),
    ]);
    const disks = own === undefined ? reachable : await this.#stored(vm, signal);
    if (own !== undefined) {
      // Once the domain is gone, only these marks tell whose its disks were.
      for (const { named, storage } of disks) await storage.claim(named);
      await this.#undefine(own, signal);
      removed.push(`domain ${vm.name} (${own.uuid})`);
      const consoleLog = this.#consoleLog(vm, disks);
      if (consoleLog !== undefined) await rm(consoleLog, { force: true });
    }
    removed.push(...(await removeDisks(disks, signal)));
    if (removed.length > 0) await this.#refresh(disks, signal);
    return removed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Each call to virsh is a process that has ended when the call returns.
  }

  get #accelerator(): Accelerator {
    const { accelerator = 'auto', kvmFault } = this.#options;
    return accelerator === 'auto' && kvmFault !== undefined ? 'tcg' : accelerator;
  }

  async #stored(vm: TargetVm, signal: AbortSignal): Promise<readonly StoredDisk[]> {
    const found: StoredDisk[] = [];
    for (const named of nameDisks(vm)) {
      found.push({ named, storage: await this.#storages.find(named.disk.storage, signal) });
    }
    return found;
  }

  /** Without the disks whose storage is not there: nothing of theirs was ever written. */
  async #reachable(vm: TargetVm, signal: AbortSignal): Promise<readonly StoredDisk[]> {
    const found: StoredDisk[] = [];
    for (const named of nameDisks(vm)) {
      try {
        found.push({ named, storage: await this.#storages.find(named.disk.storage, signal) });
      } catch (thrown) {
        if (!isErrorKind(thrown, 'failed_precondition')) throw thrown;
      }
    }
    return found;
  }

  async #findOwn(vm: TargetVm, signal: AbortSignal): Promise<KnownDomain | undefined> {
    const named = await this.#findNamed(vm, signal);
    return named?.isOwn === true ? named : undefined;
  }

  /** A domain of somebody else's is refused: libvirt would change it if it has the same UUID. */
  async #ownOrNone(vm: TargetVm, signal: AbortSignal): Promise<KnownDomain | undefined> {
    const named = await this.#findNamed(vm, signal);
    if (named?.isOwn === false) throw nameTaken(named);
    return named;
  }

  async #findNamed(
    { name, owner }: TargetVm,
    signal: AbortSignal,
  ): Promise<(KnownDomain & { readonly isOwn: boolean }) | undefined> {
    const named = await this.#host.findNamed(name, signal);
    return named && { ...named, isOwn: named.owner === owner };
  }

  async #domainParts(
    vm: TargetVm,
    disks: readonly StoredDisk[],
    { own, signal }: { readonly own: KnownDomain | undefined; readonly signal: AbortSignal },
  ): Promise<DomainParts> {
    const sources = [];
    for (const { named, storage } of disks) sources.push(await storage.source(named, signal));
    const names = vm.nics.map(({ network }) => network);
    return {
      ...{ vm, sources, uuid: own?.uuid },
      nicPlaces: await this.#networks.places(names, signal),
      abilities: await this.#host.abilities(machineOf(vm), this.#accelerator, signal),
      consoleLog: this.#consoleLog(vm, disks),
      scsiModel: this.#options.scsiModel ?? 'virtio-scsi',
    };
  }

  /** Beside the first disk, where libvirt can write. */
  #consoleLog(vm: TargetVm, [first]: readonly StoredDisk[]): string | undefined {
    const directory = first?.storage.directory;
    return directory === undefined ? undefined : join(directory, `${vm.name}.console.log`);
  }

  /** virsh reads a file: a pipe of ours is none that it could open again by a name. */
  async #withFile(
    vm: TargetVm,
    text: string,
    work: (file: string) => Promise<void>,
  ): Promise<void> {
    const { workDirectory } = this.#options;
    await mkdir(workDirectory, { recursive: true, mode: 0o700 });
    const file = join(workDirectory, `${vm.name}-${randomHex(4)}.xml`);
    try {
      await writeFile(file, text, { mode: 0o600, flag: 'wx' });
      await work(file);
    } finally {
      await rm(file, { force: true });
    }
  }

  /** At once, since nobody waits for a guest that is not wanted, and somebody does for the end. */
  async #undefine({ uuid }: KnownDomain, signal: AbortSignal): Promise<void> {
    if (!(await this.#host.forceAway(uuid, signal))) return;
    // A start that was cancelled goes on at libvirt, and a running domain outlives its definition;
    // or libvirt refused something, and says here what.
    const { state } = await this.#host.stateOf(uuid, signal);
    if (state !== 'shut off') await this.#destroy(uuid, signal);
    const left = await this.#host.domains(signal);
    if (left.some((domain) => domain.uuid === uuid)) await this.#host.undefine(uuid, signal);
  }

  async #destroy(uuid: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#host.destroy(uuid, signal);
    } catch (thrown) {
      // It stopped by itself in between.
      const isGone = isErrorKind(thrown, 'failed_precondition') || isErrorKind(thrown, 'not_found');
      if (!isGone) throw thrown;
    }
  }

  /** Who cannot look at once sees the files later: nothing depends on it. */
  async #refresh(disks: readonly StoredDisk[], signal: AbortSignal): Promise<void> {
    for (const storage of new Set(disks.map((disk) => disk.storage))) {
      try {
        await storage.refresh(signal);
      } catch (thrown) {
        signal.throwIfAborted();
        const error = toDroverError(thrown);
        this.#options.log.warn({ error, storage: storage.label }, 'a pool was not refreshed');
      }
    }
  }

  #summary({ uuid }: KnownDomain, parts: DomainParts): DefinedVm['summary'] {
    const { vm, sources, nicPlaces, abilities } = parts;
    return {
      ...{ name: vm.name, uuid, libvirt_uri: this.#options.uri.text },
      accelerator: abilities.virtType === 'kvm' ? 'kvm' : 'tcg',
      ...{ firmware: vm.firmware, has_secure_boot: vm.isSecureBoot },
      has_tpm: vm.hasTpm && abilities.tpmModel !== undefined,
      disks: sources.map(({ path }) => path),
      networks: nicPlaces.map((place) => (place.kind === 'user' ? 'user' : place.name)),
      console_log: parts.consoleLog,
    };
  }
}

/** A few at a time: each may be a login by ssh, of which a host takes only so many at once. */
async function removeDisks(disks: readonly StoredDisk[], signal: AbortSignal): Promise<string[]> {
  const removed: string[] = [];
  for (let at = 0; at < disks.length; at += REMOVED_AT_ONCE) {
    const some = disks.slice(at, at + REMOVED_AT_ONCE);
    const ended = await Promise.allSettled(
      some.map(({ named, storage }) => storage.remove(named, signal)),
    );
    for (const each of ended) {
      if (each.status === 'rejected') throw each.reason;
      removed.push(...each.value);
    }
  }
  return removed;
}

function nameTaken({ name, uuid }: KnownDomain): DroverError {
  const text = `libvirt has a domain ${name} already, with the UUID ${uuid}, not of this job`;
  return new DroverError('already_exists', text, {
    reason: 'NAME_TAKEN',
    metadata: { remedy: 'set options.target_name to another name' },
  });
}

function lost({ name }: TargetVm): DroverError {
  const text = `libvirt took the domain ${name}, but now has another one of that name, or none`;
  return new DroverError('aborted', text, { reason: 'DOMAIN_LOST' });
}
