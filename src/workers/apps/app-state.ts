/** What `state.json` beside an app's versions says: which are there, and which is current. */
import { isVersion } from './semver.ts';

export interface VersionRecord {
  readonly deployedAt: number;
  readonly sizeBytes: number;
  readonly fileCount: number;
}

export interface AppState {
  readonly current: string;
  /** What was current before, the latest last; rollback goes back along it. */
  readonly history: readonly string[];
  /** Of these alone the folders count; whatever else lies there was never deployed. */
  readonly versions: ReadonlyMap<string, VersionRecord>;
}

const FORMAT = 1;
const MOST_HISTORY = 100;

/** The version becomes current; it must be among the versions, or come with its record. */
export function withCurrent(
  state: AppState | undefined,
  version: string,
  record?: VersionRecord,
): AppState {
  const versions = new Map(state?.versions);
  if (record !== undefined) versions.set(version, record);
  if (state === undefined || state.current === version) {
    return { current: version, history: state?.history ?? [], versions };
  }
  const history = [...state.history, state.current].slice(-MOST_HISTORY);
  return { current: version, history, versions };
}

/** One step back; undefined when there is nothing to go back to. */
export function withPrevious(state: AppState): AppState | undefined {
  const current = state.history.at(-1);
  if (current === undefined) return undefined;
  return { ...state, current, history: state.history.slice(0, -1) };
}

/** Not for the current version. */
export function withoutVersion(state: AppState, version: string): AppState {
  const versions = new Map(state.versions);
  versions.delete(version);
  // Going back must change something: what now lies beside its like is taken out.
  const history = state.history.filter((it) => it !== version);
  const steps = history.filter((it, at) => it !== (history[at + 1] ?? state.current));
  return { ...state, history: steps, versions };
}

export function stateToText(state: AppState): string {
  const { current, history, versions } = state;
  const json = { format: FORMAT, current, history, versions: Object.fromEntries(versions) };
  return `${JSON.stringify(json, undefined, 2)}\n`;
}

/** Undefined when the text is no such state. */
export function parseState(text: string): AppState | undefined {
  const raw = parseObject(text);
  if (raw?.['format'] !== FORMAT) return undefined;
  const { current, history, versions } = raw;
  if (!isObject(versions) || !Array.isArray(history) || typeof current !== 'string') {
    return undefined;
  }
  const records = new Map<string, VersionRecord>();
  for (const [version, record] of Object.entries(versions)) {
    if (!isVersion(version) || !isRecord(record)) return undefined;
    records.set(version, record);
  }
  const isKnown = (version: unknown) => typeof version === 'string' && records.has(version);
  if (!isKnown(current) || !history.every(isKnown)) return undefined;
  return { current, history: history.map(String), versions: records };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const raw = JSON.parse(text) as unknown;
    return isObject(raw) ? raw : undefined;
  } catch {
    // The caller says that the file is damaged, whichever way it is.
    return undefined;
  }
}

function isObject(raw: unknown): raw is Record<string, unknown> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

function isRecord(raw: unknown): raw is VersionRecord {
  if (!isObject(raw)) return false;
  return ['deployedAt', 'sizeBytes', 'fileCount'].every((key) => Number.isFinite(raw[key]));
}
