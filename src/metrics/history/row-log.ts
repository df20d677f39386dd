/** Writes rows to the write-ahead log, each file of which says itself what its rows mean. */
import { SECOND_MS } from '#kernel/units.ts';
import { ByteWriter } from '#metrics/byte-writer.ts';
import type { Head } from './head.ts';
import type { HistoryReport } from './history-report.ts';
import type { HistorySeries } from './history-series.ts';
import type { SampleRow } from './sample-row.ts';
import { writeLayout, writeRow, writeSeries } from './wal-format.ts';
import type { WriteAheadLog } from './write-ahead-log.ts';

/** Damage within a file costs what comes after it there, so files are not long. */
const ROTATE_MS = 600 * SECOND_MS;
const ROTATE_BYTES = 8 * 1024 * 1024;

export interface RowLogOptions {
  readonly head: Head;
  readonly wal: WriteAheadLog;
  readonly report: HistoryReport;
}

export class RowLog {
  readonly #options: RowLogOptions;
  readonly #record = new ByteWriter(4096);
  /** The file in which the layout of a row was last written. */
  readonly #layouts = new WeakMap<SampleRow, number>();
  #unloggedSamples = 0;
  /** What the present file takes to say who its series are: no reason to begin another one. */
  #layoutBytes = 0;

  constructor(options: RowLogOptions) {
    this.#options = options;
  }

  /** True when it works again after it had not: some of what memory holds is not in the log. */
  append(row: SampleRow, atMs: number, values: Float64Array): boolean {
    const { wal, report } = this.#options;
    if (wal.ageMs > ROTATE_MS || wal.sizeBytes - this.#layoutBytes > ROTATE_BYTES) {
      wal.rotate();
      this.#layoutBytes = 0;
    }
    try {
      if (wal.ready()) {
        this.#write(row, atMs, values);
        return this.#recover();
      }
    } catch (error) {
      if (this.#unloggedSamples === 0) {
        report.log.error({ error }, 'metrics cannot be logged; they are kept in memory only');
      }
    }
    this.#unloggedSamples += row.series.length;
    report.lost('unlogged', row.series.length);
    return false;
  }

  #recover(): boolean {
    if (this.#unloggedSamples === 0) return false;
    const samples = this.#unloggedSamples;
    this.#options.report.log.info({ samples }, 'metrics are logged again');
    this.#unloggedSamples = 0;
    return true;
  }

  #write(row: SampleRow, atMs: number, values: Float64Array): void {
    const { wal } = this.#options;
    const record = this.#record;
    const records: Uint8Array[] = [];
    if (this.#layouts.get(row) !== wal.number) {
      for (const series of row.series) this.#register(series, records);
      record.clear();
      writeLayout(record, row.number, row.series);
      records.push(record.copy());
      for (const { length } of records) this.#layoutBytes += length;
    }
    record.clear();
    writeRow(record, { layout: row.number, atMs, series: row.series, values });
    records.push(record.view());
    wal.append(records);
    this.#layouts.set(row, wal.number);
    for (const series of row.series) series.registeredFile = wal.number;
  }

  /** The store, or this file, has to tell who the series is. */
  #register(series: HistorySeries, records: Uint8Array[]): void {
    const { wal, head } = this.#options;
    if (series.loggedFile !== wal.number) series.logged = NaN;
    series.loggedFile = wal.number;
    if (series.stored !== undefined || series.registeredFile === wal.number) return;
    const { kind = 'untyped', help = '' } = head.metadataOf(series.name) ?? {};
    const { id, createdAt, name, labels } = series;
    this.#record.clear();
    writeSeries(this.#record, { id, createdAt, name, labels, kind, help });
    records.push(this.#record.copy());
  }
}
