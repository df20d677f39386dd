/** Reads the config file into values by key, and refuses what no setting is called. */
import { isAlias, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Document, Node, Pair } from 'yaml';

import { ALL_SETTINGS } from './config-settings.ts';
import { didYouMean } from '#kernel/nearest.ts';

export interface ConfigProblem {
  /** The setting, or a wider place when it is none. */
  readonly key: string;
  readonly source: string;
  readonly text: string;
}

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

export interface FileValue {
  readonly raw: unknown;
  readonly source: string;
}

export interface ConfigDocument {
  readonly path: string;
  readonly values: ReadonlyMap<string, FileValue>;
  readonly problems: readonly ConfigProblem[];
}

const KEYS = new Set(ALL_SETTINGS.map((setting) => setting.key));
/** `tls`, `auth`, `auth.jwt`… and '' for the document itself. */
const SECTIONS = new Set(ALL_SETTINGS.flatMap((setting) => parentsOf(setting.key)));

export function parseConfigDocument(file: ConfigFile): ConfigDocument {
  const lines = new LineCounter();
  const document = parseDocument(file.text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => ({
      key: 'config',
      source: `${file.path} line ${lines.linePos(error.pos[0]).line}`,
      text: `must be YAML: ${error.message}`,
    }));
    return { path: file.path, values: new Map(), problems };
  }
  return new DocumentReader(file.path, document, lines).read();
}

class DocumentReader {
  readonly #path: string;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #values = new Map<string, FileValue>();
  readonly #problems: ConfigProblem[] = [];

  constructor(path: string, document: Document, lines: LineCounter) {
    this.#path = path;
    this.#document = document;
    this.#lines = lines;
  }

  read(): ConfigDocument {
    this.#readSection('', this.#document.contents, this.#path);
    return { path: this.#path, values: this.#values, problems: this.#problems };
  }

  #readSection(section: string, found: unknown, source: string): void {
    const node = isAlias(found) ? found.resolve(this.#document) : found;
    // A section whose keys are all commented out.
    if (node === null || node === undefined || (isScalar(node) && node.value === null)) return;
    if (!isMap(node)) {
      const text = `must be a map, with ${childrenOf(section).join(', ')}`;
      this.#problems.push({ key: section === '' ? 'config' : section, source, text });
      return;
    }
    for (const pair of node.items) this.#readPair(section, pair);
  }

  #readPair(section: string, pair: Pair): void {
    const name = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
    const key = section === '' ? name : `${section}.${name}`;
    const source = this.#sourceOf(pair.key);
    if (KEYS.has(key)) {
      const raw = isNode(pair.value) ? pair.value.toJS(this.#document) : pair.value;
      this.#values.set(key, { raw, source });
    } else if (SECTIONS.has(key)) {
      this.#readSection(key, pair.value, source);
    } else {
      const text = `is no setting${suggestionFor(section, name, key)}`;
      this.#problems.push({ key, source, text });
    }
  }

  #sourceOf(key: unknown): string {
    const start = isNode(key) ? key.range?.[0] : undefined;
    return start === undefined
      ? this.#path
      : `${this.#path} line ${this.#lines.linePos(start).line}`;
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'toJS' in value && 'range' in value;
}

/** A name of the same section first, then the same name in another place. */
function suggestionFor(section: string, name: string, key: string): string {
  const here = childrenOf(section);
  const close = didYouMean(name, here);
  if (close !== '') return close;
  const elsewhere = [...KEYS].find((known) => known.endsWith(`.${name}`));
  if (elsewhere !== undefined) return `; did you mean ${elsewhere}?`;
  const anywhere = didYouMean(key, KEYS);
  return anywhere === '' ? `; known here: ${here.join(', ')}` : anywhere;
}

function childrenOf(section: string): string[] {
  const prefix = section === '' ? '' : `${section}.`;
  const below = [...KEYS].filter((key) => key.startsWith(prefix));
  return [...new Set(below.map((key) => key.slice(prefix.length).split('.')[0] ?? ''))];
}

function parentsOf(key: string): string[] {
  const parts = key.split('.');
  return parts.map((_, at) => parts.slice(0, at).join('.'));
}
