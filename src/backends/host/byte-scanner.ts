/**
 * Reads numbers and words straight out of bytes. The files of /proc are read every second, and
 * making strings of them would cost more than everything else a sample takes.
 */

const NEWLINE = 10;
const SPACE = 32;
const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const LOWER_CASE = 0x20;

export class ByteScanner {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;
  end = 0;

  reset(bytes: Buffer, end: number): void {
    this.bytes = bytes;
    this.at = 0;
    this.end = end;
  }

  get isAtEnd(): boolean {
    return this.at >= this.end;
  }

  get isAtLineEnd(): boolean {
    return this.at >= this.end || this.bytes[this.at] === NEWLINE;
  }

  /** And control characters, but never past the end of the line. */
  skipBlanks(): void {
    const { bytes, end } = this;
    let at = this.at;
    while (at < end && isBlank(bytes[at])) at += 1;
    this.at = at;
  }

  /** To the next blank or the end of the line. */
  skipWord(): void {
    const { bytes, end } = this;
    let at = this.at;
    while (at < end && (bytes[at] ?? 0) > SPACE) at += 1;
    this.at = at;
  }

  skipWords(count: number): void {
    for (let word = 0; word < count; word += 1) {
      this.skipBlanks();
      this.skipWord();
    }
  }

  /** To the first byte of the line after. */
  skipLine(): void {
    const at = this.bytes.indexOf(NEWLINE, this.at);
    this.at = at === -1 || at >= this.end ? this.end : at + 1;
  }

  /** Past this character if it is in this line; else to the end of the line. */
  skipPast(character: number): boolean {
    const { bytes, end } = this;
    let at = this.at;
    while (at < end && bytes[at] !== NEWLINE && bytes[at] !== character) at += 1;
    this.at = at;
    if (this.isAtLineEnd) return false;
    this.at = at + 1;
    return true;
  }

  /** After blanks, a whole number up to a blank; NaN for anything else, also for nothing. */
  number(): number {
    this.skipBlanks();
    const { bytes, end } = this;
    let at = this.at;
    const isNegative = bytes[at] === MINUS;
    if (isNegative) at += 1;
    const start = at;
    let value = 0;
    for (; at < end; at += 1) {
      const digit = (bytes[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    const isNumber = at > start && this.#isWordEnd(at);
    this.at = at;
    if (isNumber) return isNegative ? -value : value;
    this.skipWord();
    return NaN;
  }

  /** After blanks, a hexadecimal number up to a blank or a colon; NaN for anything else. */
  hex(): number {
    this.skipBlanks();
    const { bytes, end } = this;
    const start = this.at;
    let at = start;
    let value = 0;
    for (; at < end; at += 1) {
      const digit = hexDigit(bytes[at] ?? 0);
      if (digit < 0) break;
      value = value * 16 + digit;
    }
    this.at = at;
    return at > start ? value : NaN;
  }

  /** After blanks, `12.34` with two places as 1234; more places are cut off. NaN otherwise. */
  hundredths(): number {
    this.skipBlanks();
    const { bytes, end } = this;
    const start = this.at;
    let at = start;
    let value = 0;
    let places = -1;
    for (; at < end; at += 1) {
      const byte = bytes[at] ?? 0;
      if (byte === DOT && places < 0 && at > start) {
        places = 0;
        continue;
      }
      const digit = byte - ZERO;
      if (digit < 0 || digit > 9) break;
      if (places === 2) continue;
      value = value * 10 + digit;
      if (places >= 0) places += 1;
    }
    this.at = at;
    if (at === start || !this.#isWordEnd(at)) return NaN;
    return value * 10 ** (2 - Math.max(0, places));
  }

  text(from: number, to: number): string {
    return this.bytes.toString('utf8', from, to);
  }

  /** After blanks, the next word of this line; empty at its end. */
  word(): string {
    this.skipBlanks();
    const start = this.at;
    this.skipWord();
    return this.text(start, this.at);
  }

  /** Whether the bytes from `from` to `to` are these. */
  matches(from: number, to: number, expected: Buffer): boolean {
    const { bytes } = this;
    if (to - from !== expected.length) return false;
    for (let index = 0; index < expected.length; index += 1) {
      if (bytes[from + index] !== expected[index]) return false;
    }
    return true;
  }

  #isWordEnd(at: number): boolean {
    return at >= this.end || (this.bytes[at] ?? 0) <= SPACE;
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte !== undefined && byte <= SPACE && byte !== NEWLINE;
}

function hexDigit(byte: number): number {
  const digit = byte - ZERO;
  if (digit >= 0 && digit <= 9) return digit;
  const letter = (byte | LOWER_CASE) - 97;
  return letter >= 0 && letter <= 5 ? letter + 10 : -1;
}
