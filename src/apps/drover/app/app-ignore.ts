/** Which files of a folder stay behind when it is deployed: those that `.droverignore` names. */
import { matchesGlob } from 'node:path';

import { invalidArgument } from '#kernel/errors.ts';

export const IGNORE_FILE = '.droverignore';

/** What no app needs; the links in `.bin` would be refused, too. */
const NEVER_SENT = ['.git', IGNORE_FILE, 'node_modules/.bin'];
const MOST_PATTERNS = 1000;

/** Says whether a file or folder stays behind; its name is relative to the folder, with slashes. */
export type Ignores = (name: string, isFolder: boolean) => boolean;

/**
 * One glob a line. Without a slash it is the name of files and folders at any depth, with one it
 * counts from the top. A slash at the end means folders alone. `#` begins a comment.
 */
export function parseIgnoreFile(text: string): Ignores {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const patterns = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (patterns.length > MOST_PATTERNS) {
    throw invalidArgument(IGNORE_FILE, `must have at most ${MOST_PATTERNS} patterns`);
  }
  const rules = [...NEVER_SENT.map((name) => `/${name}`), ...patterns].map(parsePattern);
  return (name, isFolder) =>
    rules.some(({ glob, onlyFolders }) => (isFolder || !onlyFolders) && matchesGlob(name, glob));
}

function parsePattern(pattern: string): { readonly glob: string; readonly onlyFolders: boolean } {
  if (pattern.startsWith('!')) {
    throw invalidArgument(
      IGNORE_FILE,
      `must say what stays behind, and cannot take back: ${pattern}`,
    );
  }
  const onlyFolders = pattern.endsWith('/');
  const bare = onlyFolders ? pattern.slice(0, -1) : pattern;
  const isAnywhere = !bare.includes('/');
  return { glob: isAnywhere ? `**/${bare}` : bare.replace(/^\//, ''), onlyFolders };
}
