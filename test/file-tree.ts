/** A directory of files and links that stands for a part of /proc or /sys. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface FileTree extends Disposable {
  readonly root: string;
  /** Writes files, made anew or changed: path → content; a newline is added. */
  write(files: Readonly<Record<string, string>>): void;
  remove(path: string): void;
}

/** `links` holds relative targets, as sysfs has them. */
export function openFileTree(
  files: Readonly<Record<string, string>>,
  links: Readonly<Record<string, string>> = {},
): FileTree {
  const root = mkdtempSync(join(tmpdir(), 'drover-tree-'));
  const tree: FileTree = {
    root,
    write(changed) {
      for (const [path, content] of Object.entries(changed)) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), `${content}\n`);
      }
    },
    remove: (path) => rmSync(join(root, path), { recursive: true }),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
  tree.write(files);
  for (const [path, target] of Object.entries(links)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(target, join(root, path));
  }
  return tree;
}
