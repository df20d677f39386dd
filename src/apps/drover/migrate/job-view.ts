/**
 * Shows a job as it goes on. On a terminal its lines are drawn over those before; elsewhere a line
 * is added with each new state and stage, and each tenth of the way.
 */
import { stripVTControlCharacters } from 'node:util';

import type { Terminal } from '#apps/drover/terminal.ts';
import { DiskRates } from './disk-rates.ts';
import { jobToFrame, jobToLine } from './job-frame.ts';
import type { WireJob } from './wire-job.ts';

const ESCAPE = '\u001B[';
/** Too long a line is cut: were it wrapped, the next frame would begin at the wrong one. */
const NO_WRAP = `${ESCAPE}?7l`;
const WRAP = `${ESCAPE}?7h`;
const CLEAR_LINE = `${ESCAPE}K`;
const CLEAR_BELOW = `${ESCAPE}J`;
const USUAL_ROWS = 24;

export interface JobView {
  /** `atMs` is on a scale that never goes back. */
  show(job: WireJob, atMs: number): Promise<void>;
  /** Something else is printed now: the next frame begins below it. */
  interrupt(): void;
}

export function createJobView(terminal: Terminal): JobView {
  return terminal.outIsTty ? new DrawnView(terminal) : new LineView(terminal);
}

class DrawnView implements JobView {
  readonly #terminal: Terminal;
  readonly #rates = new DiskRates();
  #drawnLines = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  async show(job: WireJob, atMs: number): Promise<void> {
    const rates = this.#rates.update(job.progress.disks, atMs);
    const lines = this.#fit(jobToFrame(job, rates));
    const back = this.#drawnLines === 0 ? '' : `${ESCAPE}${this.#drawnLines}A`;
    this.#drawnLines = lines.length;
    const text = lines.map((line) => `${line}${CLEAR_LINE}\n`).join('');
    await this.#terminal.write(`${NO_WRAP}${back}${text}${CLEAR_BELOW}${WRAP}`);
  }

  interrupt(): void {
    this.#drawnLines = 0;
  }

  /** What has left the screen at the top cannot be drawn over. */
  #fit(lines: readonly string[]): readonly string[] {
    const most = (this.#terminal.screen?.size().rows ?? USUAL_ROWS) - 1;
    if (lines.length <= most) return lines;
    const hidden = lines.length - most + 1;
    return [...lines.slice(0, most - 2), `  … and ${hidden} more disks`, ...lines.slice(-1)];
  }
}

class LineView implements JobView {
  readonly #terminal: Terminal;
  #shown = '';

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  async show(job: WireJob): Promise<void> {
    const key = changeKey(job);
    if (key === this.#shown) return;
    this.#shown = key;
    await this.#terminal.write(`${stripVTControlCharacters(jobToLine(job))}\n`);
  }

  interrupt(): void {
    // Its lines stand where they are.
  }
}

/** The same as long as there is nothing worth a line. */
export function changeKey(job: WireJob): string {
  const { status, attempts, cancel_requested: isCancelling, progress } = job;
  const tenth = Math.floor(progress.percent_complete / 10);
  return JSON.stringify([status, attempts, isCancelling, progress.stage, tenth]);
}
