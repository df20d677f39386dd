/** Where the commands print. Results go to stdout; everything said about them goes to stderr. */
import { once } from 'node:events';
import { addAbortSignal } from 'node:stream';
import type { WriteStream } from 'node:tty';

import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { createScreen } from './top/screen.ts';
import type { Screen } from './top/screen.ts';

export interface Terminal {
  /** Resolves when there is room for more, so that a slow reader slows the writer. */
  write(data: string | Uint8Array): Promise<void>;
  note(line: string): void;
  readonly outIsTty: boolean;
  readonly noteIsTty: boolean;
  readonly wantsColour: boolean;
  /** The whole of it, for what draws pages; undefined when nobody is there to press a key. */
  readonly screen?: Screen | undefined;
  /** Keys, for what is asked by a note; undefined when nobody is there to press one. */
  readonly keyboard?: Screen | undefined;
  /** What is piped in. */
  readonly input?: ((signal: AbortSignal) => AsyncIterable<Uint8Array>) | undefined;
}

export function createTerminal(
  out: WriteStream,
  notes: WriteStream,
  wantsColour: boolean,
): Terminal {
  return {
    async write(data) {
      if (out.write(data)) return;
      try {
        await once(out, 'drain');
      } catch (thrown) {
        throw new DroverError('cancelled', 'the reader of the output is gone', { cause: thrown });
      }
    },
    note: (line) => void notes.write(`${line}\n`),
    outIsTty: out.isTTY,
    noteIsTty: notes.isTTY,
    wantsColour,
    // Looked at only by who draws: to open the input would already take keys from the shell.
    get screen() {
      return out.isTTY ? createScreen(process.stdin, out) : undefined;
    },
    get keyboard() {
      return notes.isTTY ? createScreen(process.stdin, notes) : undefined;
    },
    input: (signal) => addAbortSignal(signal, process.stdin),
  };
}

/** Says on a terminal what is being waited for, and for how long already. */
export async function whileWaiting<T>(
  { terminal, clock }: { readonly terminal: Terminal; readonly clock: Clock },
  what: string,
  work: Promise<T>,
): Promise<T> {
  const say = (elapsedMs: number) => `${what}… ${Math.round(elapsedMs / SECOND_MS)} s`;
  return await whileTelling({ terminal, clock }, say, work);
}

/** Says on a terminal, every second in the same line, how it goes. */
export async function whileTelling<T>(
  { terminal, clock }: { readonly terminal: Terminal; readonly clock: Clock },
  say: (elapsedMs: number) => string,
  work: Promise<T>,
): Promise<T> {
  if (!terminal.noteIsTty) return await work;
  const startedMs = clock.monotonicMs();
  let back = '';
  using _ = clock.every(SECOND_MS, () => {
    terminal.note(`${back}${say(clock.monotonicMs() - startedMs)}`);
    // Up one line and cleared: the last of these lines is all that stays.
    back = '\u001B[1A\u001B[2K';
  });
  return await work;
}

const STATE_COLOURS: Readonly<Record<string, number>> = {
  running: 32,
  paused: 33,
  shutdown: 90,
};

export function paintState(terminal: Terminal, state: string): string {
  const colour = STATE_COLOURS[state];
  if (!terminal.outIsTty || !terminal.wantsColour || colour === undefined) return state;
  return `\u001B[${colour}m${state}\u001B[0m`;
}
