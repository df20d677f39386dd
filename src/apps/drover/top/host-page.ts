/** This page of `drover top` is about the host of a server. */
import { DroverError } from '#kernel/errors.ts';
import { HostRateMeter } from './host-rates.ts';
import type { LivePage } from './live-view.ts';
import { topPage } from './top-page.ts';
import type { PageInput, PageLimits, PageLine } from './top-page.ts';
import type { TopAnswer, TopOrder, TopQuestion } from './top-source.ts';

/** The server tells no more of them at once. */
const MOST_PROCESSES = 200;

export interface HostPageOptions {
  readonly server: string;
  readonly by: TopOrder;
  readonly ask: (question: TopQuestion, signal: AbortSignal) => Promise<TopAnswer>;
}

export class HostPage implements LivePage {
  readonly help = 'c by cpu   m by memory';
  readonly #options: HostPageOptions;
  readonly #meter = new HostRateMeter();
  #by: TopOrder;
  #shown: Omit<PageInput, 'by'> | undefined;

  constructor(options: HostPageOptions) {
    this.#options = options;
    this.#by = options.by;
  }

  async ask(rows: number, signal: AbortSignal): Promise<void> {
    const { server, ask } = this.#options;
    const processLimit = Math.min(MOST_PROCESSES, Math.max(1, rows));
    const answer = await ask({ by: this.#by, processLimit }, signal);
    this.#shown = { server, answer, rates: this.#meter.update(answer) };
  }

  lines(limits: PageLimits): readonly PageLine[] {
    if (this.#shown === undefined) throw new DroverError('internal', 'there is nothing to draw');
    return topPage({ ...this.#shown, by: this.#by }, limits);
  }

  onKey(key: string): boolean {
    if (key !== 'c' && key !== 'm') return false;
    this.#by = key === 'c' ? 'cpu' : 'memory';
    return true;
  }
}
