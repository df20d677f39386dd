/**
 * This API ignores fields that it does not know. One that is nearly the name of another was hardly
 * meant to be ignored, so the answer tells of it.
 */
import { didYouMean } from '#kernel/nearest.ts';

const MOST_WARNINGS = 20;
const MOST_NAMES = 200;
const LONGEST_NAME = 64;

/** Names that may stand in a map, and what may stand in those of them that are maps too. */
export interface KnownNames {
  readonly [name: string]: KnownNames | true;
}

export function nearMisses(raw: unknown, known: KnownNames, path = ''): readonly string[] {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return [];
  const warnings = Object.entries(raw)
    .slice(0, MOST_NAMES)
    .flatMap(([name, value]) => {
      const inner = Object.hasOwn(known, name) ? known[name] : undefined;
      if (inner === true) return [];
      if (inner !== undefined) return nearMisses(value, inner, `${path}${name}.`);
      const hint = didYouMean(name.slice(0, LONGEST_NAME), Object.keys(known));
      return hint === '' ? [] : [`${path}${name.slice(0, LONGEST_NAME)}: is ignored${hint}`];
    });
  return warnings.slice(0, MOST_WARNINGS);
}
