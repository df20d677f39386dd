/**
 * Files of one `key value` or `key: value kB` in each line. Which series a line belongs to is found
 * out once; after that its key is only compared with the bytes that stood there before.
 */
import type { LiveSeries } from '#metrics/sample-table.ts';
import type { ByteScanner } from './byte-scanner.ts';

export interface KeyedTarget {
  readonly series: LiveSeries;
  readonly factor: number;
  /** As last read, times the factor. */
  value: number;
}

interface Line {
  readonly key: Buffer;
  readonly target: KeyedTarget | undefined;
}

/** Answers undefined for keys that are not wanted. */
export type FindTarget = (key: string, unit: string) => KeyedTarget | undefined;

const COLON = 58;

export class KeyedLines {
  readonly #find: FindTarget;
  readonly #targets = new Map<string, KeyedTarget | undefined>();
  readonly #lines: Line[] = [];

  constructor(find: FindTarget) {
    this.#find = find;
  }

  /** Sets the series of every line. */
  read(scanner: ByteScanner): void {
    for (let position = 0; !scanner.isAtEnd; position += 1) {
      const start = scanner.at;
      scanner.skipWord();
      const end = scanner.bytes[scanner.at - 1] === COLON ? scanner.at - 1 : scanner.at;
      let line = this.#lines[position];
      if (line === undefined || !scanner.matches(start, end, line.key)) {
        line = this.#learn(scanner, start, end);
        this.#lines[position] = line;
      }
      const { target } = line;
      if (target !== undefined) {
        target.value = scanner.number() * target.factor;
        target.series.set(target.value);
      }
      scanner.skipLine();
    }
  }

  #learn(scanner: ByteScanner, start: number, end: number): Line {
    const key = scanner.text(start, end);
    const at = scanner.at;
    scanner.skipWords(1);
    const unit = scanner.word();
    scanner.at = at;
    const name = `${key} ${unit}`;
    if (!this.#targets.has(name)) this.#targets.set(name, this.#find(key, unit));
    return { key: Buffer.from(key), target: this.#targets.get(name) };
  }
}
