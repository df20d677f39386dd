/**
 * Reads a map key by key and gathers what is wrong with it, so that whoever wrote the file is told
 * all of it at once. A value that is refused reads as its fallback meanwhile.
 */
import { DroverError, toDroverError } from './errors.ts';
import { didYouMean } from './nearest.ts';

export interface FieldKind<T> {
  /** Completes "must be …". */
  readonly expectation: string;
  /** Undefined: not of this kind. */
  parse(raw: unknown): T | undefined;
  /** Whether the value must not be quoted. */
  readonly isSecret?: boolean;
}

export interface Problem {
  readonly field: string;
  readonly message: string;
}

export interface MapRules {
  readonly known: readonly string[];
  readonly problems: Problems;
  readonly isRoot?: boolean;
  /** As many programs read what they are sent: what is unknown is ignored, and null is nothing. */
  readonly isLenient?: boolean;
}

const LONGEST_QUOTE = 60;
const MOST_TOLD = 20;

export class Problems {
  readonly #found: Problem[] = [];

  add(field: string, message: string): void {
    this.#found.push({ field, message });
  }

  /** What `parse` makes. It refuses by throwing; all else that is wrong is to be told too. */
  gather<T>(parse: () => T, pathOf = (field: string) => field): T | undefined {
    try {
      return parse();
    } catch (thrown) {
      const { kind, message, metadata } = toDroverError(thrown);
      const { field } = metadata;
      if (kind !== 'invalid_argument' || field === undefined) throw thrown;
      this.add(pathOf(field), message.replace(`${field}: `, ''));
      return undefined;
    }
  }

  /** Whether one more would be told. */
  get isTold(): boolean {
    return this.#found.length < MOST_TOLD;
  }

  get isEmpty(): boolean {
    return this.#found.length === 0;
  }

  throwAny(what: string): void {
    const [first] = this.#found;
    if (first === undefined) return;
    const told = this.#found.slice(0, MOST_TOLD).map((it) => `${it.field}: ${it.message}`);
    const more = this.#found.length - told.length;
    if (more > 0) told.push(`and ${more} more`);
    throw new DroverError('invalid_argument', `${what}: ${told.join('; ')}`, {
      reason: 'INVALID_FIELD',
      metadata: { field: first.field },
    });
  }
}

export class FieldReader {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #path: string;
  readonly #problems: Problems;

  private constructor(values: ReadonlyMap<string, unknown>, path: string, problems: Problems) {
    this.#values = values;
    this.#path = path;
    this.#problems = problems;
  }

  /** Of what is no map all fields are missing. Of the root, `path` is what it is called. */
  static over(
    raw: unknown,
    path: string,
    { known, problems, isRoot = false, isLenient = false }: MapRules,
  ): FieldReader {
    const prefix = isRoot ? '' : path;
    const isMap = typeof raw === 'object' && raw !== null && !Array.isArray(raw);
    if (!isMap) {
      problems.add(path, `must be a map of ${known.join(', ')}`);
      return new FieldReader(new Map(), prefix, problems);
    }
    if (isLenient) {
      const said = Object.entries(raw).filter(([, value]) => (value ?? undefined) !== undefined);
      return new FieldReader(new Map(said), prefix, problems);
    }
    for (const key of Object.keys(raw)) {
      if (known.includes(key)) continue;
      const hint = problems.isTold ? didYouMean(key.slice(0, LONGEST_QUOTE), known) : '';
      const others = hint === '' ? `; there are ${known.join(', ')}` : hint;
      problems.add(joinPath(prefix, quote(key)), `is unknown${others}`);
    }
    return new FieldReader(new Map(Object.entries(raw)), prefix, problems);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** As it is, for what is read further elsewhere. */
  raw(name: string): unknown {
    return this.#values.get(name);
  }

  path(name: string): string {
    return joinPath(this.#path, name);
  }

  optional<T>(name: string, kind: FieldKind<T>): T | undefined {
    if (!this.#values.has(name)) return undefined;
    return readValue(this.#values.get(name), this.path(name), { kind, problems: this.#problems });
  }

  read<T>(name: string, kind: FieldKind<T>, fallback: T): T {
    return this.optional(name, kind) ?? fallback;
  }

  /** `placeholder` stands in while the remaining problems are looked for. */
  require<T>(name: string, kind: FieldKind<T>, placeholder: T): T {
    if (!this.#values.has(name)) {
      this.#problems.add(this.path(name), `is missing; it must be ${kind.expectation}`);
    }
    return this.read(name, kind, placeholder);
  }

  refuse(name: string, message: string): void {
    this.#problems.add(this.path(name), message);
  }

  /** What `parse` makes of several fields; it names them as they are called in this map. */
  gather<T>(parse: () => T): T | undefined {
    return this.#problems.gather(parse, (field) => this.path(field));
  }

  /** The entries that `read` takes; a list that is left out is empty. */
  list<T>(
    name: string,
    most: number,
    read: (raw: unknown, path: string) => T | undefined,
  ): readonly T[] {
    if (!this.#values.has(name)) return [];
    const raw = this.#values.get(name);
    if (!Array.isArray(raw) || raw.length > most) {
      this.refuse(name, `must be a list of at most ${most} entries`);
      return [];
    }
    return raw.flatMap((entry: unknown, at) => {
      const value = read(entry, `${this.path(name)}[${at}]`);
      return value === undefined ? [] : [value];
    });
  }

  listOf<T>(name: string, most: number, kind: FieldKind<T>): readonly T[] {
    return this.list(name, most, (raw, path) =>
      readValue(raw, path, { kind, problems: this.#problems }),
    );
  }
}

interface ValueRules<T> {
  readonly kind: FieldKind<T>;
  readonly problems: Problems;
}

export function readValue<T>(
  raw: unknown,
  path: string,
  { kind, problems }: ValueRules<T>,
): T | undefined {
  const value = kind.parse(raw);
  if (value === undefined) {
    const given = kind.isSecret === true ? '' : `, not ${quote(raw)}`;
    problems.add(path, `must be ${kind.expectation}${given}`);
  }
  return value;
}

function quote(raw: unknown): string {
  const text = JSON.stringify(raw) ?? 'nothing';
  return text.length <= LONGEST_QUOTE ? text : `${text.slice(0, LONGEST_QUOTE)}…`;
}

function joinPath(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
