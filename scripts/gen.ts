/**
 * Makes gen/ from proto/. With `--check` it writes nothing, and fails naming the files that differ
 * from what proto/ says now. Nothing is fetched: buf and its plugin come from node_modules.
 */
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

type FileTexts = ReadonlyMap<string, string>;

const root = join(import.meta.dirname, '..');
const genDir = join(root, 'gen');
const binDir = join(root, 'node_modules/.bin');

function readTexts(dir: string): FileTexts {
  const files = globSync('**/*.{js,ts}', { cwd: dir }).toSorted();
  return new Map(files.map((file) => [file, readFileSync(join(dir, file), 'utf8')]));
}

/** What gen/ should hold. buf, its plugin and the Node they run on are found in node_modules. */
function generate(): FileTexts {
  if (globSync('proto/**/*.proto', { cwd: root }).length === 0) return new Map();
  const dir = mkdtempSync(join(tmpdir(), 'drover-gen-'));
  try {
    execFileSync('buf', ['generate', '--template', 'buf.gen.yaml', '-o', dir], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, PATH: [binDir, process.env['PATH']].join(delimiter) },
    });
    return readTexts(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function staleFiles(fresh: FileTexts, present: FileTexts): string[] {
  const names = new Set([...fresh.keys(), ...present.keys()]);
  return [...names].filter((name) => fresh.get(name) !== present.get(name)).toSorted();
}

function bringUpToDate(name: string, text: string | undefined): void {
  const path = join(genDir, name);
  if (text === undefined) {
    rmSync(path);
  } else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

const fresh = generate();
const stale = staleFiles(fresh, readTexts(genDir));
if (process.argv.includes('--check')) {
  for (const name of stale) console.error(`gen/${name} is not what proto/ says now`);
  if (stale.length > 0) {
    console.error('Run `npm run gen` and commit the result.');
    process.exitCode = 1;
  }
} else {
  for (const name of stale) bringUpToDate(name, fresh.get(name));
  console.log(`gen/ is up to date: ${fresh.size} files, ${stale.length} changed`);
}
