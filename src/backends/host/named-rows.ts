/**
 * What is kept for each device, processor or protocol that a file names line by line. Lines stay
 * where they were from one sample to the next, so a name is compared with the bytes that stood
 * there before, and only a new one becomes a string.
 */
import type { ByteScanner } from './byte-scanner.ts';

interface Entry<Row> {
  readonly name: Buffer;
  readonly row: Row;
  seenInPass: number;
}

export class NamedRows<Row> {
  readonly #create: (name: string) => Row;
  readonly #drop: ((row: Row) => void) | undefined;
  readonly #byName = new Map<string, Entry<Row>>();
  readonly #byPosition: Entry<Row>[] = [];
  #pass = 0;
  #position = 0;
  #changes = 0;

  constructor(create: (name: string) => Row, drop?: (row: Row) => void) {
    this.#create = create;
    this.#drop = drop;
  }

  /** Grows whenever a row comes or goes. */
  get changes(): number {
    return this.#changes;
  }

  get size(): number {
    return this.#byName.size;
  }

  begin(): void {
    this.#pass += 1;
    this.#position = 0;
  }

  /** The row of the name that stands there; undefined for one that stood there already. */
  take(scanner: ByteScanner, from: number, to: number): Row | undefined {
    const here = this.#byPosition[this.#position];
    let entry: Entry<Row>;
    if (here !== undefined && scanner.matches(from, to, here.name)) {
      entry = here;
    } else {
      entry = this.#find(scanner.text(from, to));
      this.#byPosition[this.#position] = entry;
    }
    this.#position += 1;
    if (entry.seenInPass === this.#pass) return undefined;
    entry.seenInPass = this.#pass;
    return entry.row;
  }

  /** For names that come from elsewhere than a file. */
  takeName(name: string): Row | undefined {
    const entry = this.#find(name);
    if (entry.seenInPass === this.#pass) return undefined;
    entry.seenInPass = this.#pass;
    return entry.row;
  }

  /** Forgets the rows that were not taken since `begin`: another of the name starts afresh. */
  end(): void {
    this.#byPosition.length = Math.min(this.#byPosition.length, this.#position);
    for (const [name, entry] of this.#byName) {
      if (entry.seenInPass === this.#pass) continue;
      this.#byName.delete(name);
      this.#changes += 1;
      this.#drop?.(entry.row);
    }
  }

  clear(): void {
    this.begin();
    this.end();
  }

  *rows(): Generator<Row> {
    for (const { row } of this.#byName.values()) yield row;
  }

  #find(name: string): Entry<Row> {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const made = { name: Buffer.from(name), row: this.#create(name), seenInPass: 0 };
    this.#byName.set(name, made);
    this.#changes += 1;
    return made;
  }
}
