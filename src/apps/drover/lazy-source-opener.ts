/** The client of vSphere, loaded when it is first needed: many servers never migrate anything. */
import type { VddkParts } from '#backends/vsphere/vddk-parts.ts';
import type { VSphereSourceOpener } from '#backends/vsphere/vsphere-source-opener.ts';
import type { Clock } from '#kernel/clock.ts';
import type { Log } from '#kernel/log.ts';
import type { SourceLogin, SourceOpener } from '#transfers/connection.ts';
import type { Source } from '#transfers/source.ts';

export interface LazySourceOpenerOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly vddk: VddkParts;
}

export class LazySourceOpener implements SourceOpener, AsyncDisposable {
  readonly #options: LazySourceOpenerOptions;
  #opener: Promise<VSphereSourceOpener> | undefined;

  constructor(options: LazySourceOpenerOptions) {
    this.#options = options;
  }

  async open(login: SourceLogin, signal: AbortSignal): Promise<Source> {
    this.#opener ??= this.#load();
    const opener = await this.#opener;
    return await opener.open(login, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opener = await this.#opener;
    await opener?.[Symbol.asyncDispose]();
  }

  async #load(): Promise<VSphereSourceOpener> {
    const module = await import('#backends/vsphere/vsphere-source-opener.ts');
    return new module.VSphereSourceOpener(this.#options);
  }
}
