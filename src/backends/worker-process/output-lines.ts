/**
 * What a member writes, as lines. One that writes faster than a log is good for waits: its pipe is
 * not read for the rest of the second.
 */
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Clock, Timer } from '#kernel/clock.ts';
import { MIB, SECOND_MS } from '#kernel/units.ts';

const MOST_LINE_CHARS = 16 * 1024;
const LINES_A_SECOND = 2000;
const BYTES_A_SECOND = MIB;

export class OutputLines {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  readonly #stream: Readable;
  readonly #clock: Clock;
  #rest = '';
  /** The line's end was not reached, and what there was of it has been told. */
  #isCut = false;
  #lines = 0;
  #bytes = 0;
  #second = 0;
  #pause: Timer | undefined;

  constructor(stream: Readable, clock: Clock, onLine: (line: string) => void) {
    this.#stream = stream;
    this.#clock = clock;
    this.#onLine = onLine;
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('end', () => this.#end());
    // The end of the process says all there is to say.
    stream.on('error', () => stream.destroy());
    stream.on('close', () => this.#pause?.cancel());
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    const [first = '', ...others] = (this.#rest + this.#decoder.write(chunk)).split('\n');
    this.#rest = first;
    for (const next of others) {
      this.#tell();
      this.#isCut = false;
      this.#rest = next;
    }
    if (this.#rest.length > MOST_LINE_CHARS) {
      this.#tell();
      this.#isCut = true;
      this.#rest = '';
    }
    this.#restIfFast();
  }

  #tell(): void {
    if (this.#isCut) return;
    this.#lines += 1;
    const line = this.#rest.endsWith('\r') ? this.#rest.slice(0, -1) : this.#rest;
    const isLong = line.length > MOST_LINE_CHARS;
    this.#onLine(isLong ? `${line.slice(0, MOST_LINE_CHARS)}… (cut)` : line);
  }

  #end(): void {
    this.#rest += this.#decoder.end();
    if (this.#rest !== '') this.#tell();
    this.#rest = '';
  }

  #restIfFast(): void {
    const second = Math.floor(this.#clock.monotonicMs() / SECOND_MS);
    if (second !== this.#second) {
      this.#second = second;
      this.#lines = 0;
      this.#bytes = 0;
    }
    if (this.#lines < LINES_A_SECOND && this.#bytes < BYTES_A_SECOND) return;
    this.#stream.pause();
    this.#pause?.cancel();
    this.#pause = this.#clock.after(SECOND_MS, () => this.#stream.resume());
  }
}
