/** The whole of a terminal: its size, and the keys pressed on it. */
import type { ReadStream, WriteStream } from 'node:tty';

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

export interface ScreenListener {
  /** A character, or the whole sequence of a key that has none. */
  readonly onKey: (key: string) => void;
  readonly onResize: () => void;
}

export interface Screen {
  size(): ScreenSize;
  /** Keys come one by one and unseen until disposed, Ctrl-C among them. */
  listen(listener: ScreenListener): Disposable;
}

export const CTRL_C = '\u0003';

/** Undefined when there is nobody to press a key. */
export function createScreen(input: ReadStream, output: WriteStream): Screen | undefined {
  if (!input.isTTY || !output.isTTY) return undefined;
  return {
    // Some terminals say that they have no size at all.
    size: () => ({ columns: output.columns || 80, rows: output.rows || 24 }),
    listen({ onKey, onResize }) {
      const onData = (data: string) => onKey(data);
      input.setRawMode(true);
      input.setEncoding('utf8').on('data', onData).resume();
      output.on('resize', onResize);
      return {
        [Symbol.dispose]: () => {
          output.off('resize', onResize);
          input.off('data', onData).pause();
          input.setRawMode(false);
        },
      };
    },
  };
}
