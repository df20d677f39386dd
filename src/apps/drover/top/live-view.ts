/**
 * `drover top` on a terminal: a page drawn over and over on the terminal's second screen, so that
 * what was there before is there again afterwards, however it ends.
 *
 *   asking ──answer──▶ shown ──interval, key──▶ asking
 *     └──no answer──▶ last page shown with what went wrong ──interval, key──▶ asking
 *
 * A resize only draws again. The first answer must come: a server that was never there is an
 * error, not a wait.
 */
import type { Clock } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { printable } from '#apps/drover/client/text-table.ts';
import type { Terminal } from '#apps/drover/terminal.ts';
import { CTRL_C } from './screen.ts';
import type { Screen } from './screen.ts';
import type { PageLimits, PageLine } from './top-page.ts';

/** What is asked for and shown. */
export interface LivePage {
  /** Of the keys that it knows. */
  readonly help: string;
  /** `rows` are those of the terminal. What is thrown is told below the page of before. */
  ask(rows: number, signal: AbortSignal): Promise<void>;
  /** Never asked for before something was answered. */
  lines(limits: PageLimits): readonly PageLine[];
  /** Whether it knows the key; then it is asked again at once. */
  onKey(key: string): boolean;
}

export interface LiveViewOptions {
  readonly terminal: Terminal;
  readonly screen: Screen;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly intervalMs: number;
  readonly page: LivePage;
}

const ESCAPE = '\u001B[';
/** Second screen, no cursor, and lines that are too long are cut instead of wrapped. */
const ENTER = `${ESCAPE}?1049h${ESCAPE}?25l${ESCAPE}?7l`;
const LEAVE = `${ESCAPE}?7h${ESCAPE}?25h${ESCAPE}?1049l`;
const HOME = `${ESCAPE}H`;
const CLEAR_LINE = `${ESCAPE}K`;
const CLEAR_BELOW = `${ESCAPE}J`;
const LOOKS: Readonly<Record<PageLine['look'], string>> = {
  plain: '',
  heading: `${ESCAPE}1m`,
  alarm: `${ESCAPE}31m`,
};
const RESET = `${ESCAPE}0m`;

const HELP = 'q quit   space now';
const ROWS_OF_SMALL_TABLES = 5;
const FEWEST_ROWS = 8;

export class LiveView {
  readonly #options: LiveViewOptions;
  #trouble: string | undefined;
  #isQuitting = false;
  /** Resolved by keys and resizes, to end the wait for the next interval. */
  #wake = Promise.withResolvers<void>();
  #isAskingNow = true;
  /** Ends a call in progress when a key quits. */
  readonly #quit = new AbortController();

  constructor(options: LiveViewOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { screen, terminal } = this.#options;
    // Before the screen changes: whatever is wrong at first is said on the first screen.
    await this.#ask();
    using _keys = screen.listen({
      onKey: (key) => this.#onKey(key),
      onResize: () => this.#wake.resolve(),
    });
    await terminal.write(ENTER);
    try {
      await this.#loop();
    } finally {
      await terminal.write(LEAVE);
    }
  }

  async #loop(): Promise<void> {
    const { signal } = this.#options;
    let nextAskMs = this.#options.clock.monotonicMs() + this.#options.intervalMs;
    this.#isAskingNow = false;
    for (;;) {
      await this.#draw();
      await this.#wait(nextAskMs);
      if (this.#isQuitting) return;
      signal.throwIfAborted();
      const isDue = this.#options.clock.monotonicMs() >= nextAskMs;
      if (!isDue && !this.#isAskingNow) continue;
      this.#isAskingNow = false;
      await this.#tryAsk();
      if (this.#isQuitting) return;
      nextAskMs = this.#options.clock.monotonicMs() + this.#options.intervalMs;
    }
  }

  #onKey(key: string): void {
    if (key === 'q' || key === 'Q' || key === CTRL_C) {
      this.#isQuitting = true;
      this.#quit.abort();
    } else if (key !== ' ' && !this.#options.page.onKey(key)) return;
    this.#isAskingNow = true;
    this.#wake.resolve();
  }

  async #wait(untilMs: number): Promise<void> {
    const { clock, signal } = this.#options;
    const wake = this.#wake.promise;
    const stop = () => this.#wake.resolve();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    using _timer = clock.after(Math.max(0, untilMs - clock.monotonicMs()), stop);
    await wake;
    signal.removeEventListener('abort', stop);
    this.#wake = Promise.withResolvers<void>();
  }

  async #tryAsk(): Promise<void> {
    try {
      await this.#ask();
      this.#trouble = undefined;
    } catch (thrown) {
      if (this.#isQuitting) return;
      this.#options.signal.throwIfAborted();
      const error = toDroverError(thrown);
      // What asking again cannot mend, such as a token that was revoked, ends the view.
      if (error.kind !== 'unavailable' && error.kind !== 'deadline_exceeded') throw thrown;
      this.#trouble = error.message;
    }
  }

  async #ask(): Promise<void> {
    const { signal, screen, page } = this.#options;
    const joined = AbortSignal.any([signal, this.#quit.signal]);
    try {
      await page.ask(screen.size().rows, joined);
    } catch (thrown) {
      // The user's reason is the true one, whatever the call made of it.
      if (signal.aborted) throw signal.reason;
      throw thrown;
    }
  }

  async #draw(): Promise<void> {
    const { terminal, screen, page } = this.#options;
    const rows = Math.max(FEWEST_ROWS, screen.size().rows);
    const limits = { rows: ROWS_OF_SMALL_TABLES, lines: rows - 1 };
    const lines: PageLine[] = [...page.lines(limits)];
    const trouble = this.#trouble;
    lines.length = Math.min(lines.length, limits.lines);
    while (lines.length < limits.lines) lines.push({ text: '', look: 'plain' });
    lines.push(
      trouble === undefined
        ? { text: `${HELP}   ${page.help}`.trimEnd(), look: 'plain' }
        : { text: `${printable(trouble)}; trying again`, look: 'alarm' },
    );
    const paint = terminal.wantsColour;
    const drawn = lines.slice(0, screen.size().rows).map(({ text, look }) => {
      const shown = clip(text, screen.size().columns);
      return paint && LOOKS[look] !== '' ? `${LOOKS[look]}${shown}${RESET}` : shown;
    });
    await terminal.write(`${HOME}${drawn.join(`${CLEAR_LINE}\r\n`)}${CLEAR_LINE}${CLEAR_BELOW}`);
  }
}

function clip(text: string, columns: number): string {
  const characters = Array.from(text);
  return characters.length <= columns ? text : characters.slice(0, columns).join('');
}

export const SHORTEST_INTERVAL_MS = SECOND_MS / 2;
