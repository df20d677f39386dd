/** /proc/net/dev, read once in a tick for whoever wants some of it. */
import type { Tick } from '#metrics/collector.ts';
import { NamedRows } from './named-rows.ts';
import type { ProcFile, ProcReader } from './proc-file.ts';

/** In the order of the file. */
export const NET_COLUMNS = [
  ...['receive_bytes', 'receive_packets', 'receive_errs', 'receive_drop', 'receive_fifo'],
  ...['receive_frame', 'receive_compressed', 'receive_multicast'],
  ...['transmit_bytes', 'transmit_packets', 'transmit_errs', 'transmit_drop', 'transmit_fifo'],
  ...['transmit_colls', 'transmit_carrier', 'transmit_compressed'],
] as const;

const COLON = 58;
const HEADER_LINES = 2;

export interface NetDeviceCounters {
  readonly name: string;
  /** Beside `NET_COLUMNS`; NaN where the file does not tell. */
  readonly values: Float64Array;
}

export class NetDeviceTable implements Disposable {
  readonly #file: ProcFile;
  readonly #devices = new NamedRows<NetDeviceCounters>((name) => ({
    name,
    values: new Float64Array(NET_COLUMNS.length),
  }));
  #readFor: Tick | undefined;

  constructor(reader: ProcReader, procRoot: string) {
    this.#file = reader.open(`${procRoot}/net/dev`);
  }

  /** Grows whenever an interface comes or goes. */
  get changes(): number {
    return this.#devices.changes;
  }

  /** An interface that went and came back is another object. */
  devices(): Iterable<NetDeviceCounters> {
    return this.#devices.rows();
  }

  read(tick: Tick): void {
    if (this.#readFor === tick) return;
    const scanner = this.#file.require(tick.monotonicMs);
    this.#readFor = tick;
    for (let line = 0; line < HEADER_LINES; line += 1) scanner.skipLine();
    this.#devices.begin();
    while (!scanner.isAtEnd) {
      scanner.skipBlanks();
      const start = scanner.at;
      if (scanner.skipPast(COLON)) {
        const device = this.#devices.take(scanner, start, scanner.at - 1);
        for (let column = 0; device !== undefined && column < NET_COLUMNS.length; column += 1) {
          device.values[column] = scanner.number();
        }
      }
      scanner.skipLine();
    }
    this.#devices.end();
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}
