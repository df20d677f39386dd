/** Kinds of value that several requests of this surface hold. */
import { whole } from '#kernel/field-kinds.ts';
import type { FieldKind } from '#kernel/field-reader.ts';

/** One, a list of them, or a text with commas between them as a query has it. */
export function oneOrMore<T>(kind: FieldKind<T>, most: number): FieldKind<readonly T[]> {
  return {
    expectation: `${kind.expectation}, or a list of at most ${most}`,
    parse(raw) {
      const all: readonly unknown[] = [raw]
        .flat()
        .flatMap((each: unknown) => (typeof each === 'string' ? each.split(',') : [each]))
        .map((each) => (typeof each === 'string' ? each.trim() : each))
        .filter((each) => each !== '');
      if (all.length > most) return undefined;
      const parsed = all.map((each) => kind.parse(each));
      const known = parsed.filter((each): each is T & {} => each !== undefined);
      return known.length === parsed.length ? known : undefined;
    },
  };
}

/** As JSON writes it, or as the text that a query holds. */
export function count(least: number, most: number): FieldKind<number> {
  const kind = whole(least, most);
  return {
    expectation: kind.expectation,
    parse: (raw) =>
      kind.parse(typeof raw === 'string' && /^\d{1,15}$/.test(raw) ? Number(raw) : raw),
  };
}
