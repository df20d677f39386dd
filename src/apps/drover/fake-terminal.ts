/** A terminal for tests: keeps what was printed, and tells when a text appears. */
import { Readable } from 'node:stream';

import type { Terminal } from './terminal.ts';
import type { Screen } from './top/screen.ts';

export class FakeTerminal implements Terminal {
  readonly outIsTty: boolean;
  readonly noteIsTty: boolean;
  readonly wantsColour: boolean;
  readonly screen: Screen | undefined;
  readonly keyboard: Screen | undefined;
  readonly input: () => AsyncIterable<Uint8Array>;
  out = '';
  notes = '';
  readonly #waiting: { readonly text: string; readonly resolve: () => void }[] = [];

  constructor(
    traits: {
      readonly isTty?: boolean;
      readonly wantsColour?: boolean;
      readonly screen?: Screen;
      readonly keyboard?: Screen;
      readonly input?: string;
    } = {},
  ) {
    this.outIsTty = traits.isTty ?? false;
    this.noteIsTty = traits.isTty ?? false;
    this.wantsColour = traits.wantsColour ?? false;
    this.screen = traits.screen;
    this.keyboard = traits.keyboard;
    this.input = () => Readable.from([Buffer.from(traits.input ?? '')]);
  }

  async write(data: string | Uint8Array): Promise<void> {
    this.out += typeof data === 'string' ? data : Buffer.from(data).toString();
    this.#wake();
  }

  note(line: string): void {
    this.notes += `${line}\n`;
    this.#wake();
  }

  /** Resolves once the text has been printed, on either stream. */
  shows(text: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ text, resolve });
    this.#wake();
    return promise;
  }

  #wake(): void {
    for (const { text, resolve } of this.#waiting) {
      if (this.out.includes(text) || this.notes.includes(text)) resolve();
    }
  }
}
