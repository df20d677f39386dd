/** The static files of all versions that were asked for, each read once. */
import type { AppVersion } from '#workers/apps/app.ts';
import { readStaticSite, type StaticSite } from './static-site.ts';

export class StaticSites {
  /** Forgotten with the version itself. */
  readonly #sites = new WeakMap<AppVersion, StaticSite>();
  readonly #reading = new WeakMap<AppVersion, Promise<StaticSite>>();

  /** Undefined until it was read once. */
  known(version: AppVersion): StaticSite | undefined {
    return this.#sites.get(version);
  }

  read(version: AppVersion): Promise<StaticSite> {
    const known = this.#reading.get(version);
    if (known !== undefined) return known;
    const reading = this.#read(version);
    this.#reading.set(version, reading);
    return reading;
  }

  async #read(version: AppVersion): Promise<StaticSite> {
    try {
      const site = await readStaticSite(version);
      this.#sites.set(version, site);
      return site;
    } catch (thrown) {
      // Whoever asks next tries again.
      this.#reading.delete(version);
      throw thrown;
    }
  }
}
