/**
 * What a guest wrote on its serial console, as a terminal shows it: lines, and a cursor on the last
 * 24 of them, as high as a terminal on a serial line is taken to be. It understands what firmware,
 * boot loaders, kernels and shells send (carriage returns, cursor moves, erasing, bold, the eight
 * colours); every other control sequence is swallowed whole, so that none reaches the page as text,
 * and none can do anything.
 *
 *   text ── ESC ──▶ escape ── [ ──▶ csi ── a letter ──▶ text
 *                     ├── ] P X ^ _ ──▶ string ── BEL, ESC \ ──▶ text
 *                     └── ( ) * + … ──▶ charset ── any ──▶ text
 *
 * What always holds: lines and their lengths are bounded, whatever comes; a sequence cut in two by
 * the network is put together again; a line that changed has another version than before.
 */
const COLOURS = [
  ...['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'],
] as const;

export interface TerminalStyle {
  /** Undefined is the terminal's own. */
  readonly colour: string | undefined;
  readonly isBold: boolean;
  readonly isDim: boolean;
  readonly isInverse: boolean;
}

interface Cell {
  readonly char: string;
  readonly style: TerminalStyle;
}

export interface TerminalLine {
  /** Never used for another line. */
  readonly id: number;
  version: number;
  readonly cells: Cell[];
}

export interface TerminalRun {
  readonly text: string;
  readonly style: TerminalStyle;
}

const ROWS = 24;
const MOST_LINES = 3000;
const MOST_COLUMNS = 1000;
const MOST_SEQUENCE = 64;
const TAB = 8;

const PLAIN: TerminalStyle = {
  ...{ colour: undefined, isBold: false, isDim: false, isInverse: false },
};
const BLANK: Cell = { char: ' ', style: PLAIN };

type Mode = 'text' | 'escape' | 'csi' | 'string' | 'charset';

export class TerminalScreen {
  readonly lines: TerminalLine[] = [];
  readonly #decoder = new TextDecoder();
  #nextId = 0;
  /** The line at the top of the screen, of `lines`. */
  #top = 0;
  #row = 0;
  #column = 0;
  #saved: readonly [row: number, column: number] = [0, 0];
  #style = PLAIN;
  #mode: Mode = 'text';
  #sequence = '';
  #before = '';

  write(bytes: Uint8Array): void {
    for (const char of this.#decoder.decode(bytes, { stream: true })) this.#take(char);
  }

  /** Something that the guest did not write, on a line of its own. */
  note(text: string): void {
    if (this.#column > 0) this.#takeText('\n');
    for (const char of text) this.#print(char);
    this.#takeText('\n');
  }

  /** All of it, without styles. */
  text(): string {
    return this.lines.map(({ cells }) => trimmedText(cells)).join('\n');
  }

  #take(char: string): void {
    switch (this.#mode) {
      case 'text':
        this.#takeText(char);
        return;
      case 'escape':
        this.#takeEscape(char);
        return;
      case 'csi':
        if (/[@-~]/.test(char)) {
          this.#mode = 'text';
          this.#obey(char, this.#sequence);
        } else if (this.#sequence.length < MOST_SEQUENCE) this.#sequence += char;
        else this.#mode = 'text';
        return;
      case 'string':
        // Titles and the like, up to BEL or ESC \.
        if (char === '\u0007' || (this.#before === '\u001B' && char === '\\')) this.#mode = 'text';
        this.#before = char;
        return;
      case 'charset':
        this.#mode = 'text';
    }
  }

  #takeText(char: string): void {
    switch (char) {
      case '\u001B':
        this.#mode = 'escape';
        return;
      case '\n':
        // Guests that send no carriage return mean one all the same.
        this.#column = 0;
        this.#down();
        return;
      case '\r':
        this.#column = 0;
        return;
      case '\b':
        this.#column = Math.max(0, this.#column - 1);
        return;
      case '\t':
        this.#column = Math.min(MOST_COLUMNS - 1, (Math.floor(this.#column / TAB) + 1) * TAB);
        return;
      default:
        if (char >= ' ' && char !== '\u007F') this.#print(char);
    }
  }

  #takeEscape(char: string): void {
    this.#mode = 'text';
    if (char === '[') {
      this.#mode = 'csi';
      this.#sequence = '';
    } else if (']PX^_'.includes(char)) {
      this.#mode = 'string';
      this.#before = '';
    } else if ('()*+-./#%'.includes(char)) this.#mode = 'charset';
    else if (char === '7') this.#saved = [this.#row, this.#column];
    else if (char === '8') [this.#row, this.#column] = this.#saved;
    else if (char === 'D') this.#down();
    else if (char === 'M') this.#row = Math.max(0, this.#row - 1);
    else if (char === 'c') this.#clear();
  }

  #print(char: string): void {
    if (this.#column >= MOST_COLUMNS) {
      this.#column = 0;
      this.#down();
    }
    const line = this.#line();
    while (line.cells.length < this.#column) line.cells.push(BLANK);
    line.cells[this.#column] = { char, style: this.#style };
    line.version += 1;
    this.#column += 1;
  }

  #down(): void {
    // A line that is ended is there, also when nothing is on it.
    this.#line();
    this.#row += 1;
    if (this.#row < ROWS) return;
    this.#row = ROWS - 1;
    this.#top += 1;
  }

  /** The line of the cursor, made when it is not there yet. */
  #line(): TerminalLine {
    const at = this.#top + this.#row;
    while (this.lines.length <= at) {
      this.lines.push({ id: this.#nextId, version: 0, cells: [] });
      this.#nextId += 1;
    }
    const excess = this.lines.length - MOST_LINES;
    if (excess > 0) {
      this.lines.splice(0, excess);
      this.#top -= excess;
    }
    const line = this.lines[this.#top + this.#row];
    if (line === undefined) throw new Error('the cursor is on a line');
    return line;
  }

  /** What is on the screen stays above it. */
  #clear(): void {
    this.#top = this.lines.length;
    this.#row = 0;
    this.#column = 0;
  }

  #obey(final: string, sequence: string): void {
    // Private ones, such as hiding the cursor, change nothing that is shown.
    if (/^[<=>?]/.test(sequence)) return;
    const numbers = sequence.split(';').map((text) => Number.parseInt(text, 10) || 0);
    const first = numbers[0] ?? 0;
    const steps = Math.max(1, first);
    switch (final) {
      case 'A':
        this.#goTo(this.#row - steps, this.#column);
        return;
      case 'B':
        this.#goTo(this.#row + steps, this.#column);
        return;
      case 'C':
        this.#goTo(this.#row, this.#column + steps);
        return;
      case 'D':
        this.#goTo(this.#row, this.#column - steps);
        return;
      case 'E':
        this.#goTo(this.#row + steps, 0);
        return;
      case 'F':
        this.#goTo(this.#row - steps, 0);
        return;
      case 'G':
        this.#goTo(this.#row, steps - 1);
        return;
      case 'd':
        this.#goTo(steps - 1, this.#column);
        return;
      case 'H':
      case 'f':
        this.#goTo(steps - 1, (numbers[1] ?? 1) - 1);
        return;
      case 'J':
        this.#eraseScreen(first);
        return;
      case 'K':
        this.#eraseLine(first);
        return;
      case 'P':
        this.#change(({ cells }) => cells.splice(this.#column, steps));
        return;
      case 'm':
        this.#style = styleAfter(this.#style, numbers);
        return;
      case 's':
        this.#saved = [this.#row, this.#column];
        return;
      case 'u':
        [this.#row, this.#column] = this.#saved;
        return;
      default:
      // Nothing that is shown.
    }
  }

  #goTo(row: number, column: number): void {
    this.#row = Math.min(ROWS - 1, Math.max(0, row));
    this.#column = Math.min(MOST_COLUMNS - 1, Math.max(0, column));
  }

  #eraseScreen(which: number): void {
    if (which >= 2) {
      const { 0: row, 1: column } = [this.#row, this.#column];
      this.#clear();
      this.#goTo(row, column);
      return;
    }
    this.#eraseLine(which);
    const at = this.#top + this.#row;
    const others = which === 1 ? this.lines.slice(this.#top, at) : this.lines.slice(at + 1);
    for (const line of others) erase(line, 0, line.cells.length);
  }

  #eraseLine(which: number): void {
    this.#change((line) => {
      if (which === 0) erase(line, this.#column, line.cells.length);
      else if (which === 1) erase(line, 0, this.#column + 1);
      else erase(line, 0, line.cells.length);
    });
  }

  #change(change: (line: TerminalLine) => unknown): void {
    const line = this.#line();
    change(line);
    line.version += 1;
  }
}

function erase(line: TerminalLine, from: number, end: number): void {
  if (end >= line.cells.length) line.cells.length = Math.min(from, line.cells.length);
  else line.cells.fill(BLANK, from, end);
  line.version += 1;
}

function styleAfter(style: TerminalStyle, numbers: readonly number[]): TerminalStyle {
  let now = style;
  for (let at = 0; at < numbers.length; at += 1) {
    const number = numbers[at] ?? 0;
    // Colours beyond the eight: their numbers belong to them, and are not styles of their own.
    if (number === 38 || number === 48) at += numbers[at + 1] === 2 ? 4 : 2;
    else now = styleOf(now, number);
  }
  return now;
}

function styleOf(style: TerminalStyle, number: number): TerminalStyle {
  if (number === 0) return PLAIN;
  if (number === 1) return { ...style, isBold: true };
  if (number === 2) return { ...style, isDim: true };
  if (number === 22) return { ...style, isBold: false, isDim: false };
  if (number === 7) return { ...style, isInverse: true };
  if (number === 27) return { ...style, isInverse: false };
  if (number === 39) return { ...style, colour: undefined };
  const colour = COLOURS[number >= 90 ? number - 90 : number - 30];
  return colour === undefined ? style : { ...style, colour };
}

/** Neighbours of one style together. */
export function runsOf({ cells }: TerminalLine): readonly TerminalRun[] {
  const runs: { text: string; style: TerminalStyle }[] = [];
  for (const { char, style } of cells) {
    const last = runs.at(-1);
    if (last !== undefined && isSame(last.style, style)) last.text += char;
    else runs.push({ text: char, style });
  }
  return runs;
}

function isSame(a: TerminalStyle, b: TerminalStyle): boolean {
  if (a === b) return true;
  if (a.isBold !== b.isBold || a.isDim !== b.isDim || a.isInverse !== b.isInverse) return false;
  return a.colour === b.colour;
}

function trimmedText(cells: readonly Cell[]): string {
  return cells
    .map(({ char }) => char)
    .join('')
    .trimEnd();
}
