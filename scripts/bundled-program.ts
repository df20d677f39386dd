/**
 * The program of `drover up` in a few files instead of fourteen hundred, which Node takes half of
 * its start to find and link. Tests start it a hundred times. What it runs is the same: the places
 * of sources, which some of them look about from, are put in as they were.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

interface BundledProgram extends AsyncDisposable {
  readonly path: string;
}

const root = join(import.meta.dirname, '..');
/** Within the clone, where Node finds the packages that are left out of it. */
const CACHE = join(root, 'node_modules/.cache/drover');
const PLACE = /\bimport\.meta\.(url|dirname)\b/g;

const keepPlaces: Plugin = {
  name: 'keep-places',
  setup(plugin) {
    plugin.onLoad({ filter: /\/src\/[^?]*\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const places = { url: pathToFileURL(path).href, dirname: dirname(path) };
      const contents = text.replace(PLACE, (_, name: 'url' | 'dirname') =>
        JSON.stringify(places[name]),
      );
      return { loader: 'ts', contents };
    });
  },
};

/** It is gone when it is disposed of. */
export async function bundleProgram(): Promise<BundledProgram> {
  await mkdir(CACHE, { recursive: true });
  const directory = await mkdtemp(join(CACHE, 'program-'));
  await build({
    absWorkingDir: root,
    entryPoints: ['src/apps/drover/main.ts'],
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    logLevel: 'warning',
    plugins: [keepPlaces],
    // Packages in CommonJS ask for parts of Node by it.
    banner: {
      js: [
        "import { createRequire as requireFrom } from 'node:module';",
        'const require = requireFrom(import.meta.url);',
      ].join(' '),
    },
  });
  return {
    path: join(directory, 'main.mjs'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
