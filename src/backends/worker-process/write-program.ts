/**
 * The program of members as plain JavaScript, in a folder of its own: what of Drover's sources it
 * imports, with the types taken out once by the server. A member that had to do that for itself
 * would need twice the memory, and to read where Drover is installed.
 *
 * The layout stays, so that messages name the same files; `.ts` becomes `.js`, and the `imports` of
 * a package.json beside it lead there.
 */
import { chmod, cp, mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';

export interface ProgramSources {
  /** The folder of Drover, which holds src and node_modules. */
  readonly root: string;
  /** Under src, without its extension. */
  readonly entry: string;
  /** What it imports by name; packages without dependencies. */
  readonly packages: readonly string[];
}

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*'((?:#|\.\/)[^']+)\.ts'/g;
const BESIDE = /((?:\bfrom|\bimport)\s*\(?\s*'\.\/[^']+)\.ts'/g;

/** The path of the entry in `directory`. */
export async function writeProgram(sources: ProgramSources, directory: string): Promise<string> {
  const { root, entry, packages } = sources;
  const names = [entry];
  // It grows while it is walked.
  for (const name of names) {
    const code = stripTypeScriptTypes(await readFile(join(root, 'src', `${name}.ts`), 'utf8'));
    for (const [, specifier = ''] of code.matchAll(IMPORT)) {
      const imported = nameOf(specifier, name);
      if (!names.includes(imported)) names.push(imported);
    }
    await writeReadable(join(directory, 'src', `${name}.js`), code.replaceAll(BESIDE, "$1.js'"));
  }
  const manifest = { type: 'module', imports: { '#*.ts': './src/*.js' } };
  await writeReadable(join(directory, 'package.json'), JSON.stringify(manifest));
  for (const name of packages) {
    const from = await realpath(join(root, 'node_modules', name));
    await cp(from, join(directory, 'node_modules', name), { recursive: true });
  }
  await openFolders(directory);
  return join(directory, 'src', `${entry}.js`);
}

function nameOf(specifier: string, importer: string): string {
  return specifier.startsWith('#') ? specifier.slice(1) : join(dirname(importer), specifier);
}

async function writeReadable(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

/** Whatever the mask of the process is: members are other users. */
async function openFolders(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
  }
}
