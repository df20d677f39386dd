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
import { DroverError, toDroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { printable } from '#apps/drover/client/text-table.ts';
import type { Terminal } from '#apps/drover/terminal.ts';
import { HostRateMeter } from './host-rates.ts';
import { CTRL_C } from './screen.ts';
import type { Screen } from './screen.ts';
import { topPage } from './top-page.ts';
import type { PageInput, PageLine } from './top-page.ts';
import type { TopAnswer, TopOrder, TopQuestion } from './top-source.ts';

export interface LiveViewOptions {
  readonly terminal: Terminal;
  readonly screen: Screen;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly server: string;
  readonly intervalMs: number;
  readonly by: TopOrder;
  ask(question: TopQuestion, signal: AbortSignal): Promise<TopAnswer>;
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

const HELP = 'q quit   c by cpu   m by memory   space now';
const ROWS_OF_SMALL_TABLES = 5;
const FEWEST_ROWS = 8;
/** The server tells no more of them at once. */
const MOST_PROCESSES = 200;

export class LiveView {
  readonly #options: LiveViewOptions;
  readonly #meter = new HostRateMeter();
  #by: TopOrder;
  #page: Omit<PageInput, 'by'> | undefined;
  #trouble: string | undefined;
  #isQuitting = false;
  /** Resolved by keys and resizes, to end the wait for the next interval. */
  #wake = Promise.withResolvers<void>();
  #isAskingNow = true;
  /** Ends a call in progress when a key quits. */
  readonly #quit = new AbortController();

  constructor(options: LiveViewOptions) {
    this.#options = options;
    this.#by = options.by;
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
    } else if (key === 'c' || key === 'm') this.#by = key === 'c' ? 'cpu' : 'memory';
    else if (key !== ' ') return;
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
    const { signal, screen, server } = this.#options;
    const question = {
      by: this.#by,
      processLimit: Math.min(MOST_PROCESSES, Math.max(1, screen.size().rows)),
    };
    const joined = AbortSignal.any([signal, this.#quit.signal]);
    try {
      const answer = await this.#options.ask(question, joined);
      this.#page = { server, answer, rates: this.#meter.update(answer) };
    } catch (thrown) {
      // The user's reason is the true one, whatever the call made of it.
      if (signal.aborted) throw signal.reason;
      throw thrown;
    }
  }

  async #draw(): Promise<void> {
    const { terminal, screen } = this.#options;
    const page = this.#page;
    if (page === undefined) throw new DroverError('internal', 'there is nothing to draw');
    const rows = Math.max(FEWEST_ROWS, screen.size().rows);
    const limits = { rows: ROWS_OF_SMALL_TABLES, lines: rows - 1 };
    const lines: PageLine[] = [...topPage({ ...page, by: this.#by }, limits)];
    const trouble = this.#trouble;
    lines.length = Math.min(lines.length, limits.lines);
    while (lines.length < limits.lines) lines.push({ text: '', look: 'plain' });
    lines.push(
      trouble === undefined
        ? { text: HELP, look: 'plain' }
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
