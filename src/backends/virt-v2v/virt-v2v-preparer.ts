/**
 * Has virt-v2v-in-place put drivers for virtio into a guest, where it is installed. It cannot be
 * undone or gone on with, so it works on overlays, and what came of it is merged when it is whole:
 *
 *   overlays made ─▶ virt-v2v ─▶ outcome written ─▶ overlays merged ─▶ (settle) nothing left
 *        ▲               │ fails, or the process dies
 *        └───────────────┘
 *
 * Until the outcome is written the images are as they were copied. From then on, whoever comes
 * next only merges, which can be done again from any point: an overlay is removed when all of it
 * is in its image.
 */
import { access, constants, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import { HOUR_MS } from '#kernel/units.ts';
import type { Finding } from '#transfers/finding.ts';
import type { GuestPreparer, Preparation, PreparerCall } from '#transfers/guest-preparer.ts';
import type { DiskPlace, TargetVm } from '#transfers/target.ts';
import { guestXml } from './guest-xml.ts';
import { runProgram } from './run-program.ts';

export interface VirtV2vPreparerOptions {
  readonly clock: Clock;
  /** Where to look for the programs, in order. */
  readonly directories?: readonly string[];
  /** Of this process; of it, what is about the user's files and about libguestfs is handed on. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What guests that this process starts run by: libguestfs is fooled by a KVM that hangs. */
  readonly accelerator?: 'auto' | 'kvm' | 'tcg';
  /** How long a guest may take. */
  readonly timeoutMs?: number;
}

/** The last is where Red Hat puts what is not for people. */
const DIRECTORIES = ['/usr/local/bin', '/usr/bin', '/usr/libexec'];
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const TIMEOUT_MS = 2 * HOUR_MS;
const V2V = 'virt-v2v-in-place';
const HAS_VIRTIO = 'This guest has virtio drivers installed';
/** A conversion that fails says so in one line, and then how to report it. */
const FAILURE = /^virt-v2v[\w-]*: error: (.+)$/;
const HANDED_ON = /^(?:HOME|TMPDIR|VIRTIO_WIN|VIRT_TOOLS_DATA_DIR|(?:LIBGUESTFS|SUPERMIN)_\w+)$/;

interface Programs {
  readonly v2v: string;
  readonly qemuImg: string;
}

export class VirtV2vPreparer implements GuestPreparer {
  readonly #options: Required<VirtV2vPreparerOptions>;
  readonly #environment: Readonly<Record<string, string>>;

  constructor(options: VirtV2vPreparerOptions) {
    const defaults = {
      directories: DIRECTORIES,
      timeoutMs: TIMEOUT_MS,
      accelerator: 'auto',
    } as const;
    this.#options = { ...defaults, ...options };
    const given = Object.entries(options.environment).flatMap(([name, value]) =>
      value !== undefined && HANDED_ON.test(name) ? [[name, value] as const] : [],
    );
    this.#environment = {
      ...{ PATH, LC_ALL: 'C', LIBGUESTFS_BACKEND: 'direct' },
      ...(options.accelerator === 'tcg' && { LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' }),
      ...Object.fromEntries(given),
    };
  }

  async prepare(
    vm: TargetVm,
    places: readonly DiskPlace[],
    call: PreparerCall,
  ): Promise<Preparation> {
    const [first] = places;
    if (first === undefined) return unprepared('it has no disk');
    const programs = await this.#findPrograms();
    const earlier = await readOutcome(first);
    if (earlier !== undefined) return await this.#merge(earlier, { places, programs, call });
    if (programs === undefined) return unprepared(`${V2V} or qemu-img is not installed here`);
    await removeOverlays(places);
    try {
      for (const { path, key } of places) {
        const { format = 'qcow2' } = vm.disks.find((disk) => disk.key === key) ?? {};
        await this.#overlay(programs, { path, format }, call);
      }
      const outcome = await this.#convert(vm, { first, places, programs, call });
      if (typeof outcome === 'string') return unprepared(outcome);
      await writeOutcome(first, outcome);
      return await this.#merge(outcome, { places, programs, call });
    } finally {
      // With the outcome written, the overlays are the only copy of what is still to be merged.
      if ((await readOutcome(first)) === undefined) await removeOverlays(places);
    }
  }

  async settle(places: readonly DiskPlace[]): Promise<void> {
    await removeOverlays(places);
    for (const place of places) {
      for (const path of [xmlPath(place), outcomePath(place), `${outcomePath(place)}.new`]) {
        await rm(path, { force: true });
      }
    }
  }

  /** A text is why it was not converted. */
  async #convert(
    vm: TargetVm,
    { first, places, programs, call }: Work & { readonly first: DiskPlace },
  ): Promise<Preparation | string> {
    const { clock, timeoutMs } = this.#options;
    const xml = xmlPath(first);
    await writeFile(xml, guestXml(vm, places.map(overlayPath)), { mode: 0o600 });
    using deadline = openDeadline(clock, timeoutMs, V2V, call.signal);
    let hasVirtio = false;
    let failure = 'the log of the job says why';
    const code = await runProgram(programs.v2v, ['-i', 'libvirtxml', xml], {
      ...{ clock, signal: deadline.signal, environment: this.#environment },
      onLine: (line) => {
        hasVirtio ||= line.includes(HAS_VIRTIO);
        failure = FAILURE.exec(line)?.[1] ?? failure;
        call.log('info', line);
      },
    });
    call.signal.throwIfAborted();
    if (deadline.signal.aborted) return `${V2V} took longer than ${timeoutMs / HOUR_MS} h`;
    if (code !== 0) return `${V2V} failed: ${failure}`;
    return { hasVirtio, findings: hasVirtio ? [] : [WITHOUT_VIRTIO] };
  }

  async #overlay(
    { qemuImg }: Programs,
    { path, format }: { readonly path: string; readonly format: string },
    call: PreparerCall,
  ): Promise<void> {
    const base = ['-F', format, '-b', path];
    await this.#qemuImg(
      qemuImg,
      ['create', '-q', '-f', 'qcow2', ...base, `${path}${OVERLAY}`],
      call,
    );
  }

  async #merge(
    outcome: Preparation,
    {
      places,
      programs,
      call,
    }: Omit<Work, 'programs'> & { readonly programs: Programs | undefined },
  ): Promise<Preparation> {
    for (const place of places) {
      if (!(await isThere(overlayPath(place)))) continue;
      if (programs === undefined) throw mergeFailed('qemu-img is not installed any more');
      const args = ['commit', '-q', '-d', '-f', 'qcow2', overlayPath(place)];
      await this.#qemuImg(programs.qemuImg, args, call);
      await rm(overlayPath(place));
    }
    return outcome;
  }

  async #qemuImg(program: string, args: readonly string[], call: PreparerCall): Promise<void> {
    const { clock } = this.#options;
    using deadline = openDeadline(clock, TIMEOUT_MS, 'qemu-img', call.signal);
    let last = 'it does not say why';
    const code = await runProgram(program, args, {
      ...{ clock, signal: deadline.signal, environment: this.#environment },
      onLine: (line) => (last = line),
    });
    deadline.signal.throwIfAborted();
    if (code !== 0) throw mergeFailed(last);
  }

  async #findPrograms(): Promise<Programs | undefined> {
    const v2v = await this.#find(V2V);
    const qemuImg = await this.#find('qemu-img');
    return v2v === undefined || qemuImg === undefined ? undefined : { v2v, qemuImg };
  }

  async #find(name: string): Promise<string | undefined> {
    for (const directory of this.#options.directories) {
      const path = `${directory}/${name}`;
      if (await isThere(path, constants.X_OK)) return path;
    }
    return undefined;
  }
}

interface Work {
  readonly places: readonly DiskPlace[];
  readonly programs: Programs;
  readonly call: PreparerCall;
}

const OVERLAY = '.preparing';

function overlayPath({ path }: DiskPlace): string {
  return `${path}${OVERLAY}`;
}

function xmlPath({ path }: DiskPlace): string {
  return `${path}.guest.xml`;
}

function outcomePath({ path }: DiskPlace): string {
  return `${path}.prepared`;
}

async function removeOverlays(places: readonly DiskPlace[]): Promise<void> {
  for (const place of places) await rm(overlayPath(place), { force: true });
}

async function readOutcome(first: DiskPlace): Promise<Preparation | undefined> {
  try {
    return JSON.parse(await readFile(outcomePath(first), 'utf8')) as Preparation;
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

/** It is there as a whole or not at all. */
async function writeOutcome(first: DiskPlace, outcome: Preparation): Promise<void> {
  const path = outcomePath(first);
  {
    await using file = await open(`${path}.new`, 'w', 0o600);
    await file.writeFile(JSON.stringify(outcome));
    await file.datasync();
  }
  await rename(`${path}.new`, path);
}

async function isThere(path: string, mode = constants.F_OK): Promise<boolean> {
  try {
    await access(path, mode);
    return true;
  } catch {
    return false;
  }
}

function mergeFailed(why: string): DroverError {
  const isFull = /no space left/i.test(why);
  const text = isFull ? 'the disk of this host is full' : `qemu-img failed: ${why}`;
  return new DroverError(isFull ? 'resource_exhausted' : 'unavailable', text, {
    reason: isFull ? 'HOST_DISK_FULL' : 'PREPARATION_FAILED',
  });
}

function unprepared(why: string): Preparation {
  return { hasVirtio: false, findings: [warning('guest-not-prepared', why)] };
}

const WITHOUT_VIRTIO = warning('guest-without-virtio', `${V2V} has no virtio drivers for it`);

function warning(code: string, why: string): Finding {
  const what = `the guest keeps to controllers and NICs that it knows, SATA and e1000e: ${why}`;
  const remedy =
    code === 'guest-not-prepared'
      ? 'install virt-v2v, or put drivers for virtio into the guest and switch to it afterwards'
      : 'put them into the guest, and switch to virtio afterwards';
  return { code, severity: 'warning', subject: undefined, message: what, remedy };
}
