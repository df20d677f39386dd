/** Which apps there are, and which version a name means: in memory, since each request asks. */
import { appNotFound, parseAppSpec } from './app-name.ts';
import type { App, AppVersion } from './app.ts';
import { highestFitting, sortVersions, type WantedVersion } from './semver.ts';

/** Answers kept per app, so that each request need not compare versions. */
const MOST_KEPT = 100;

interface Entry {
  /** Highest first. */
  readonly versions: ReadonlyMap<string, AppVersion>;
  /** Its files may be there no more, or not be readable. */
  readonly current: string;
  readonly resolved: Map<string, AppVersion>;
}

export class AppCatalog {
  readonly #apps = new Map<string, Entry>();

  set(name: string, current: string, versions: Iterable<AppVersion>): void {
    const byVersion = new Map([...versions].map((it) => [it.manifest.version, it]));
    const sorted = sortVersions(byVersion.keys()).flatMap((version) => {
      const found = byVersion.get(version);
      return found === undefined ? [] : [[version, found] as const];
    });
    this.#apps.set(name, { versions: new Map(sorted), current, resolved: new Map() });
  }

  delete(name: string): void {
    this.#apps.delete(name);
  }

  /** All of an app that can be read, the highest first. */
  versionsOf(name: string): readonly AppVersion[] {
    return [...(this.#apps.get(name)?.versions.values() ?? [])];
  }

  find(name: string, version: string): AppVersion | undefined {
    return this.#apps.get(name)?.versions.get(version);
  }

  currentOf(name: string): AppVersion | undefined {
    const entry = this.#apps.get(name);
    return entry?.versions.get(entry.current);
  }

  /** In the order of their names. An app whose current version cannot be read is left out. */
  list(): readonly App[] {
    return [...this.#apps.keys()].toSorted().flatMap((name) => {
      const current = this.currentOf(name);
      return current === undefined ? [] : [{ name, current, versions: this.versionsOf(name) }];
    });
  }

  get(name: string): App {
    const current = this.currentOf(name);
    if (current === undefined) throw this.#noCurrent(name);
    return { name, current, versions: this.versionsOf(name) };
  }

  resolve(spec: string): AppVersion {
    const at = spec.indexOf('@');
    const known = this.#apps.get(at === -1 ? spec : spec.slice(0, at));
    const kept = known?.resolved.get(spec);
    if (kept !== undefined) return kept;
    const { name, wanted } = parseAppSpec(spec);
    const version = this.#pick(name, wanted, spec);
    if (known !== undefined && known.resolved.size < MOST_KEPT) known.resolved.set(spec, version);
    return version;
  }

  #pick(name: string, wanted: WantedVersion, spec: string): AppVersion {
    const entry = this.#apps.get(name);
    if (entry === undefined) throw appNotFound(`there is no app ${name}`);
    if (wanted.kind === 'current') {
      const current = entry.versions.get(entry.current);
      if (current === undefined) throw this.#noCurrent(name);
      return current;
    }
    const found = entry.versions.get(highestFitting(entry.versions.keys(), wanted) ?? '');
    if (found !== undefined) return found;
    // Which versions there are is told by `list`, to those who may ask it.
    const versions = [...entry.versions.keys()];
    throw appNotFound(`no version of app ${name} fits ${spec}`, { versions });
  }

  #noCurrent(name: string) {
    const current = this.#apps.get(name)?.current;
    if (current === undefined) return appNotFound(`there is no app ${name}`);
    return appNotFound(`version ${current} of app ${name} cannot be read; see the log`);
  }
}
