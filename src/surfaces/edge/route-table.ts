/** Which paths exist and what they answer to, for the words of a 404 and the Allow of a 405. */

interface Route {
  readonly url: string;
  readonly segments: readonly string[];
  readonly methods: Set<string>;
}

// A guess further off than this helps nobody.
const MOST_EDITS = 4;
const MAX_COMPARED_CHARS = 120;

export class RouteTable {
  readonly #routes = new Map<string, Route>();

  add(url: string, methods: string | readonly string[]): void {
    const route = this.#routes.get(url) ?? { url, segments: url.split('/'), methods: new Set() };
    for (const method of [methods].flat()) route.methods.add(method);
    this.#routes.set(url, route);
  }

  /** The methods a concrete path answers to, sorted; empty when there is no such path. */
  methodsFor(path: string): string[] {
    const segments = path.split('/');
    const methods = new Set<string>();
    for (const route of this.#routes.values()) {
      if (matches(route.segments, segments))
        for (const method of route.methods) methods.add(method);
    }
    return [...methods].toSorted();
  }

  /** Whether some path begins with the same word as this one. */
  isBelow(path: string): boolean {
    const [, first = ''] = path.split('/');
    return this.#routes.values().some(({ segments }) => segments[1] === first);
  }

  /** The known path that is the fewest edits away, if any is near. */
  nearest(path: string): string | undefined {
    if (path.length > MAX_COMPARED_CHARS) return undefined;
    let best: { readonly url: string; readonly edits: number } | undefined;
    for (const { url } of this.#routes.values()) {
      if (url.includes('*') || Math.abs(url.length - path.length) > MOST_EDITS) continue;
      const edits = editsBetween(path.toLowerCase(), url.toLowerCase());
      if (edits <= Math.min(MOST_EDITS, url.length / 2) && edits < (best?.edits ?? Infinity)) {
        best = { url, edits };
      }
    }
    return best?.url;
  }
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  for (const [at, segment] of pattern.entries()) {
    if (segment === '*') return true;
    const given = path[at];
    if (given === undefined) return false;
    if (segment.startsWith(':') ? given === '' : given !== segment) return false;
  }
  return pattern.length === path.length;
}

/** Levenshtein's distance, one row at a time. */
function editsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
