/** Reads a text/event-stream piece by piece, as the HTML standard describes it. */

export interface ParsedEvent {
  readonly type: string;
  readonly data: string;
}

/** More than any event here ever has; who sends more is no Drover server. */
const MOST_CHARS = 1024 * 1024;

export class EventParser {
  readonly #onEvent: (event: ParsedEvent) => void;
  #rest = '';
  #isFirst = true;
  #type = '';
  #data: string[] = [];
  #chars = 0;

  constructor(onEvent: (event: ParsedEvent) => void) {
    this.#onEvent = onEvent;
  }

  /** Throws a RangeError when a line or an event has no end. */
  push(text: string): void {
    this.#rest += this.#isFirst ? text.replace(/^\uFEFF/, '') : text;
    if (text !== '') this.#isFirst = false;
    // A carriage return at the very end may be half of a line's end.
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#takeLine(line);
    if (this.#rest.length + this.#chars > MOST_CHARS) throw new RangeError('an endless event');
  }

  #takeLine(line: string): void {
    if (line === '') {
      this.#dispatch();
      return;
    }
    const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (name === 'event') this.#type = value;
    if (name !== 'data') return;
    this.#data.push(value);
    this.#chars += value.length;
  }

  #dispatch(): void {
    const event = { type: this.#type || 'message', data: this.#data.join('\n') };
    const hasData = this.#data.length > 0;
    this.#type = '';
    this.#data = [];
    this.#chars = 0;
    if (hasData) this.#onEvent(event);
  }
}
