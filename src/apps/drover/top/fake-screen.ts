/** A screen for tests: they press the keys and pull at its corners. */
import type { Screen, ScreenListener, ScreenSize } from './screen.ts';

export class FakeScreen implements Screen {
  #size: ScreenSize;
  #listener: ScreenListener | undefined;

  constructor(columns: number, rows: number) {
    this.#size = { columns, rows };
  }

  get isListening(): boolean {
    return this.#listener !== undefined;
  }

  size(): ScreenSize {
    return this.#size;
  }

  listen(listener: ScreenListener): Disposable {
    this.#listener = listener;
    return { [Symbol.dispose]: () => (this.#listener = undefined) };
  }

  press(key: string): void {
    this.#listener?.onKey(key);
  }

  resize(columns: number, rows: number): void {
    this.#size = { columns, rows };
    this.#listener?.onResize();
  }
}
