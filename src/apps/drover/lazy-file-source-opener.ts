/** The reader of images in files, loaded when it is first needed: many servers migrate nothing. */
import type { AllowedFileSourceOptions } from '#backends/files/allowed-file-source-opener.ts';
import type { FileSourceOpener } from '#transfers/connection.ts';
import type { Source } from '#transfers/source.ts';

export class LazyFileSourceOpener implements FileSourceOpener {
  readonly #options: AllowedFileSourceOptions;

  constructor(options: AllowedFileSourceOptions) {
    this.#options = options;
  }

  async open(path: string | undefined, signal: AbortSignal): Promise<Source> {
    const module = await import('#backends/files/allowed-file-source-opener.ts');
    return await new module.AllowedFileSourceOpener(this.#options).open(path, signal);
  }
}
