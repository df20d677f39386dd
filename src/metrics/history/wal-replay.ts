/** Brings back what the write-ahead log holds, into an empty head. */
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ByteReader } from './byte-reader.ts';
import { damagedError } from './byte-reader.ts';
import type { Head } from './head.ts';
import type { HistoryReport } from './history-report.ts';
import type { HistorySeries } from './history-series.ts';
import type { HostHistory } from './metric-store.ts';
import {
  readFrame,
  readRecord,
  readRow,
  type LayoutPlace,
  type Logged,
  type WalSeries,
} from './wal-format.ts';
import { listWalFiles, walPath } from './write-ahead-log.ts';

export interface ReplayOptions {
  readonly directory: string;
  readonly host: HostHistory;
  readonly head: Head;
  readonly report: HistoryReport;
}

export interface Replay {
  /** The highest number of a file there is or was. */
  readonly lastFile: number;
  readonly files: number;
  readonly samples: number;
}

export function replayLog({ directory, host, head, report }: ReplayOptions): Replay {
  let lastFile = host.sealedThrough;
  let files = 0;
  let samples = 0;
  for (const file of listWalFiles(directory)) {
    lastFile = Math.max(lastFile, file);
    const path = walPath(directory, file);
    if (file <= host.sealedThrough) {
      rmSync(path, { force: true });
      continue;
    }
    const replayed = new FileReplay(head, { file, epoch: host.epoch });
    try {
      replayed.run(readFileSync(path));
    } catch (thrown) {
      report.damaged('log', `wal-${file}`, thrown);
    }
    if (replayed.isForeign) renameSync(path, join(directory, `foreign-${host.epoch}-${file}`));
    files += 1;
    samples += replayed.samples;
  }
  return { lastFile, files, samples };
}

interface Layout {
  /** One that nobody knows has its place, but takes no samples. */
  readonly series: readonly (HistorySeries | undefined)[];
  readonly logged: readonly Logged[];
  readonly values: Float64Array;
}

class FileReplay {
  readonly #head: Head;
  readonly #file: number;
  readonly #epoch: string;
  readonly #layouts = new Map<number, Layout>();
  readonly #unknown = new Map<number, Logged>();
  #hasHeader = false;
  isForeign = false;
  samples = 0;

  constructor(head: Head, { file, epoch }: { readonly file: number; readonly epoch: string }) {
    this.#head = head;
    this.#file = file;
    this.#epoch = epoch;
  }

  /** Throws at the first damage, with everything before it brought back. */
  run(bytes: Uint8Array): void {
    for (let at = 0; !this.isForeign;) {
      const frame = readFrame(bytes, at);
      if (frame.kind === 'end' || frame.kind === 'torn') break;
      if (frame.kind === 'damaged') {
        const left = bytes.length - at;
        throw damagedError(`the last ${left} bytes of a log`, { file: this.#file, offset: at });
      }
      this.#apply(frame.bytes);
      at = frame.next;
    }
    if (this.#unknown.size > 0) throw damagedError(`${this.#unknown.size} series are unknown`);
  }

  #apply(bytes: Uint8Array): void {
    const record = readRecord(bytes);
    if (!this.#hasHeader && record.kind !== 'header') throw damagedError('a log has no header');
    switch (record.kind) {
      case 'header':
        this.#hasHeader = true;
        this.isForeign = record.epoch !== this.#epoch;
        if (this.isForeign) throw damagedError('a log belongs to another database');
        if (record.isCut) this.#head.cut(this.#file - 1);
        break;
      case 'series':
        this.#learn(record.series);
        break;
      case 'layout':
        this.#lay(record.layout, record.places);
        break;
      case 'row':
        this.#append(record.layout, record.atMs, record.reader);
        break;
    }
  }

  #learn({ id, createdAt, name, kind, help, labels }: WalSeries): void {
    this.#head.restore({ id, name, labels, createdAt });
    this.#head.learnMetadata({ name, kind, help });
  }

  #lay(layout: number, places: readonly LayoutPlace[]): void {
    const series = places.map(({ id, scale }) => {
      const known = this.#head.byId(id);
      if (known === undefined) return undefined;
      if (known.loggedFile !== this.#file) known.logged = NaN;
      known.loggedFile = this.#file;
      known.scale = scale;
      return known;
    });
    const logged = places.map(({ id }, at): Logged => {
      const known = series[at] ?? this.#unknown.get(id) ?? { logged: NaN };
      if (series[at] === undefined) this.#unknown.set(id, known);
      return known;
    });
    this.#layouts.set(layout, { series, logged, values: new Float64Array(places.length) });
  }

  #append(number: number, atMs: number, reader: ByteReader): void {
    const layout = this.#layouts.get(number);
    if (layout === undefined) throw damagedError('a log has a row without its layout');
    const { series, logged, values } = layout;
    readRow(reader, logged, values);
    for (let at = 0; at < series.length; at += 1) {
      const one = series[at];
      if (one === undefined) continue;
      this.#head.append(one, atMs, values[at] ?? NaN);
      this.samples += 1;
    }
  }
}
