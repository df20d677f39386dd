/**
 * Paths in an inventory: `Datacenter/vm/folder/name`. A slash within a name is `%2f`, and in a
 * pattern `*` stands for any characters of one name.
 */
import { invalidArgument } from '#kernel/errors.ts';

const MOST_CHARACTERS = 4096;

/** Without slashes at its ends. */
export function parseVmPath(path: string): string {
  const trimmed = path.replace(/^\/+/, '').replace(/\/+$/, '');
  const isFit = trimmed !== '' && trimmed.length <= MOST_CHARACTERS;
  if (isFit && !/[\u0000-\u001f]|\/\//.test(trimmed)) return trimmed;
  throw invalidArgument('vm_path', 'must be like Datacenter/vm/folder/name');
}

/** As the API gives names they are escaped already, except by servers that do not know of it. */
export function toSegment(name: string): string {
  return name.replaceAll('/', '%2f');
}

export function lastSegment(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** A pattern without a slash is for the name alone. */
export function createPathMatcher(pattern: string): (path: string) => boolean {
  const wanted = parseVmPath(pattern);
  if (!wanted.includes('/')) return (path) => matchesName(lastSegment(path), wanted);
  const segments = wanted.split('/');
  return (path) => {
    const names = path.split('/');
    return (
      names.length === segments.length &&
      segments.every((segment, at) => matchesName(names[at] ?? '', segment))
    );
  };
}

/**
 * Goes back only to the last `*`, so that no pattern takes longer than the product of the two
 * lengths.
 */
function matchesName(name: string, pattern: string): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let resume = 0;
  while (at < name.length) {
    if (pattern[next] === '*') {
      star = next;
      resume = at;
      next += 1;
    } else if (pattern[next] === name[at]) {
      at += 1;
      next += 1;
    } else if (star !== -1) {
      resume += 1;
      at = resume;
      next = star + 1;
    } else {
      return false;
    }
  }
  while (pattern[next] === '*') next += 1;
  return next === pattern.length;
}
