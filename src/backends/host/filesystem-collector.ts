/**
 * The room on each mounted filesystem, under node_exporter's names. A filesystem that does not
 * answer has node_filesystem_device_error 1 and nothing else, and holds up neither the sample nor
 * the others.
 */
import { readFileSync } from 'node:fs';

import type { Clock, Timer } from '#kernel/clock.ts';
import type { Log } from '#kernel/log.ts';
import type { Collector, Tick } from '#metrics/collector.ts';
import { toBasisPoints } from '#metrics/counter-delta.ts';
import type { MetricFamily } from '#metrics/metric-family.ts';
import type { LiveSeries, SampleTable } from '#metrics/sample-table.ts';
import { mountKey, parseMounts } from './filesystem-mounts.ts';
import type { FilesystemMount, MountFilter } from './filesystem-mounts.ts';
import { FilesystemProbe } from './filesystem-probe.ts';
import type { AskStatfs, FilesystemSpace } from './statfs-question.ts';

export interface FilesystemCollectorOptions {
  readonly table: SampleTable;
  readonly procRoot: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly filter: MountFilter;
  /** For filesystems of this kernel alone; asked one at a time. */
  readonly askLocal: AskStatfs;
  /** For those with somebody behind them. */
  readonly askRemote: AskStatfs;
}

/** A filesystem in good health needs less than one. */
const DEADLINE_MS = 100;
/** By children: a dead file server may have very many mounts, and each keeps one waiting. */
const MOST_CALLS = 32;
/** Of those that are waited for, so that very many mounts are no storm of children. */
const AT_ONCE = 8;
const MOST_MOUNTS = 1000;

function gauge(name: string, help: string, scale = 0): MetricFamily {
  return { name, help, kind: 'gauge', scale };
}

const SIZE = gauge('node_filesystem_size_bytes', 'Filesystem size in bytes.');
const FREE = gauge('node_filesystem_free_bytes', 'Filesystem free space in bytes.');
const AVAILABLE = gauge(
  'node_filesystem_avail_bytes',
  'Filesystem space available to non-root users in bytes.',
);
const FILES = gauge('node_filesystem_files', 'Filesystem total file nodes.');
const FILES_FREE = gauge('node_filesystem_files_free', 'Filesystem total free file nodes.');
const READ_ONLY = gauge('node_filesystem_readonly', 'Filesystem read-only status.');
const DEVICE_ERROR = gauge(
  'node_filesystem_device_error',
  'Whether an error occurred while getting statistics for the given device.',
);
const USED_PERCENT = gauge(
  'drover_filesystem_used_percent',
  'Used space, of what users may use: as df has it.',
  2,
);
const INODES_USED_PERCENT = gauge(
  'drover_filesystem_inodes_used_percent',
  'Used file nodes, of all; absent where a filesystem makes them as it goes.',
  2,
);

interface FilesystemSeries {
  readonly size: LiveSeries;
  readonly free: LiveSeries;
  readonly available: LiveSeries;
  readonly files: LiveSeries;
  readonly filesFree: LiveSeries;
  readonly readOnly: LiveSeries;
  readonly deviceError: LiveSeries;
  readonly usedPercent: LiveSeries;
  readonly inodesUsedPercent: LiveSeries;
}

interface Watched {
  readonly probe: FilesystemProbe;
  readonly series: FilesystemSeries;
  /** So that trouble is logged when it begins. */
  hadError: boolean;
}

export class FilesystemCollector implements Collector {
  readonly name = 'filesystem';
  readonly #options: FilesystemCollectorOptions;
  #watched = new Map<string, Watched>();
  #mountsText: string | undefined;
  /** Unmounted while a call was outstanding: kept until that ends, lest the path be asked twice. */
  readonly #calls = new Set<FilesystemProbe>();
  #localCall: FilesystemProbe | undefined;

  constructor(options: FilesystemCollectorOptions) {
    this.#options = options;
  }

  async collect(tick: Tick): Promise<void> {
    this.#readMounts();
    await this.#askAll(tick);
    // A late finisher must not write into a sample that is not its own.
    if (tick.signal.aborted) return;
    for (const watched of this.#watched.values()) this.#publish(watched);
  }

  /** What has not returned may never do so; it is given up and not waited for. */
  async [Symbol.asyncDispose](): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    for (const probe of this.#calls) probe.giveUp(nowMs);
  }

  #readMounts(): void {
    const { procRoot, filter } = this.#options;
    // Process 1 sees the mounts of the host, also when this process is confined to a part of them.
    const text =
      readIfThere(`${procRoot}/1/mounts`) ?? readFileSync(`${procRoot}/self/mounts`, 'utf8');
    if (text === this.#mountsText) return;
    this.#mountsText = text;
    const before = this.#watched;
    this.#watched = new Map();
    for (const mount of parseMounts(text, filter).slice(0, MOST_MOUNTS)) {
      const key = mountKey(mount);
      const known = before.get(key);
      const isSame =
        known?.probe.mount.isReadOnly === mount.isReadOnly &&
        known.probe.mount.isLocal === mount.isLocal;
      this.#watched.set(key, known !== undefined && isSame ? known : this.#watch(mount));
    }
  }

  #watch(mount: FilesystemMount): Watched {
    const { table } = this.#options;
    const labels = { device: mount.device, mountpoint: mount.mountPoint, fstype: mount.fsType };
    const series = (family: MetricFamily) => table.family(family).series(labels);
    return {
      probe: new FilesystemProbe(mount),
      series: {
        size: series(SIZE),
        free: series(FREE),
        available: series(AVAILABLE),
        files: series(FILES),
        filesFree: series(FILES_FREE),
        readOnly: series(READ_ONLY),
        deviceError: series(DEVICE_ERROR),
        usedPercent: series(USED_PERCENT),
        inodesUsedPercent: series(INODES_USED_PERCENT),
      },
      hadError: false,
    };
  }

  async #askAll(tick: Tick): Promise<void> {
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const due = [...this.#watched.values()]
      .map(({ probe }) => probe)
      .filter((probe) => probe.isDue(nowMs) && !this.#isPathBusy(probe));
    if (due.length === 0) return;
    const locals = due.filter(({ mount }) => mount.isLocal);
    const remotes = due.filter(({ mount }) => !mount.isLocal);
    const work = [this.#askLocals(locals, nowMs), this.#askRemotes(remotes, nowMs)];
    await untilFirst(Promise.all(work), tick.signal);
  }

  /** One after the other; once one is stuck, children ask for the rest. */
  async #askLocals(probes: readonly FilesystemProbe[], nowMs: number): Promise<void> {
    const { askLocal } = this.#options;
    for (const probe of probes) {
      if (this.#localCall !== undefined) {
        const { isPrompt } = probe;
        const call = this.#askRemotely(probe, nowMs);
        if (isPrompt) await call;
        continue;
      }
      this.#localCall = probe;
      const call = this.#call(probe, askLocal, nowMs).finally(() => {
        this.#localCall = undefined;
      });
      await this.#untilDeadline(probe, call);
    }
  }

  async #askRemotes(probes: readonly FilesystemProbe[], nowMs: number): Promise<void> {
    const queue = probes.filter((probe) => probe.isPrompt);
    const work = async () => {
      for (let probe = queue.shift(); probe !== undefined; probe = queue.shift()) {
        await this.#askRemotely(probe, nowMs);
      }
    };
    const hungBefore = probes.filter((probe) => !probe.isPrompt);
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    // Asked, and not waited for.
    for (const probe of hungBefore) void this.#askRemotely(probe, nowMs);
  }

  async #askRemotely(probe: FilesystemProbe, nowMs: number): Promise<void> {
    // The sample before may have run out of time with this one in its queue.
    if (!probe.isDue(nowMs)) return;
    if (this.#calls.size >= MOST_CALLS) {
      probe.refuse(nowMs);
      return;
    }
    await this.#untilDeadline(probe, this.#call(probe, this.#options.askRemote, nowMs));
  }

  async #call(probe: FilesystemProbe, how: AskStatfs, nowMs: number): Promise<void> {
    this.#calls.add(probe);
    try {
      await probe.ask(how, nowMs);
    } finally {
      this.#calls.delete(probe);
    }
  }

  async #untilDeadline(probe: FilesystemProbe, call: Promise<void>): Promise<void> {
    const { clock } = this.#options;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer: Timer = clock.after(DEADLINE_MS, () => {
      probe.giveUp(clock.monotonicMs());
      resolve();
    });
    await Promise.race([call, late]);
    timer.cancel();
  }

  #isPathBusy({ mount }: FilesystemProbe): boolean {
    for (const call of this.#calls) if (call.mount.mountPoint === mount.mountPoint) return true;
    return false;
  }

  #publish(watched: Watched): void {
    const { probe, series } = watched;
    const { result } = probe;
    if (result === undefined) return;
    const hasError = result.kind === 'error';
    series.deviceError.set(hasError ? 1 : 0);
    if (hasError !== watched.hadError) this.#logChange(probe, hasError);
    watched.hadError = hasError;
    if (result.kind === 'space') publishSpace(series, result.space, probe.mount.isReadOnly);
  }

  #logChange(probe: FilesystemProbe, hasError: boolean): void {
    const { log } = this.#options;
    const { device, mountPoint, fsType } = probe.mount;
    const fields = { device, mountPoint, fsType };
    if (!hasError) log.info(fields, 'a filesystem answers again');
    else if (probe.result?.kind === 'error') {
      log.warn({ ...fields, error: probe.result.error }, 'a filesystem cannot be measured');
    }
  }
}

function publishSpace(series: FilesystemSeries, space: FilesystemSpace, isReadOnly: boolean): void {
  const { sizeBytes, freeBytes, availableBytes, files, freeFiles } = space;
  series.size.set(sizeBytes);
  series.free.set(freeBytes);
  series.available.set(availableBytes);
  series.files.set(files);
  series.filesFree.set(freeFiles);
  series.readOnly.set(isReadOnly ? 1 : 0);
  const usedBytes = sizeBytes - freeBytes;
  series.usedPercent.set(toBasisPoints(usedBytes, usedBytes + availableBytes) ?? NaN);
  series.inodesUsedPercent.set(toBasisPoints(files - freeFiles, files) ?? NaN);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Process 1 may be hidden from this user.
    return undefined;
  }
}

/** Waits no longer than the tick has time; the work goes on. */
async function untilFirst(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const onAbort = () => resolve();
  if (signal.aborted) return;
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
