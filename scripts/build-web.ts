/**
 * Builds the web page into web/dist: hashed files, each with a .gz and a .br beside it. Does
 * nothing when the page that is there was made from the same sources.
 *
 *   node scripts/build-web.ts            what the gateway serves
 *   node scripts/build-web.ts --tests    build/web-tests: with /dev/components, for the tests
 *   node scripts/build-web.ts --sizes    as the first, and says how much a browser loads
 */
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip, gzipSync } from 'node:zlib';

const ROOT = join(import.meta.dirname, '..');
const STAMP = '.built-from';
/** Of script, compressed, until the first view can be used. */
const MOST_FIRST_LOAD_BYTES = 180 * 1024;
const FIRST_VIEW = 'src/views/overview/OverviewPage.tsx';
const COMPRESSED = new Set(['.js', '.css', '.html', '.svg']);

/**
 * What views are made of, in one file: by itself each component would be one, and a browser asks
 * for six at a time. Not what few views use: charts' canvas, and the messages of RPC.
 */
const SHARED = {
  name: 'shared',
  test: /[\\/]web[\\/]src[\\/](?:components[\\/](?!TimeChart)[^\\/]+$|format|api[\\/](?!rpc))/,
};
const TYPEFACE = /^inter-latin-wght-normal-.*\.woff2$/;

/** Read from the manifest that Vite writes. */
interface Chunk {
  readonly file: string;
  readonly imports?: readonly string[];
}

const isForTests = process.argv.includes('--tests');
const target = join(ROOT, isForTests ? 'build/web-tests' : 'web/dist');
const stamp = hashInputs();
if (process.argv.includes('--sizes') || (await readStamp()) !== stamp) await buildPage();

/** The sources, what they are built with, and how. */
function hashInputs(): string {
  const patterns = ['web/**/*.*', 'gen/**/*.js', 'src/kernel/*.ts', 'scripts/build-web.ts'];
  const files = globSync([...patterns, 'package-lock.json'], {
    cwd: ROOT,
    exclude: ['web/dist/**', 'web/dist.*/**', '**/*.test.ts'],
  });
  const hash = createHash('sha256').update(String(isForTests));
  for (const file of files.toSorted()) {
    hash.update(`\0${file}\0`);
    if (extname(file) !== '') hash.update(readFileSync(join(ROOT, file)));
  }
  return hash.digest('hex');
}

async function readStamp(): Promise<string | undefined> {
  return await readFile(join(target, STAMP), 'utf8').catch(() => undefined);
}

/** Beside the page that is there, which it replaces at the end: two builds at once do no harm. */
async function buildPage(): Promise<void> {
  const startedMs = performance.now();
  const folder = `${target}.${process.pid}`;
  try {
    await runVite(folder);
    await announceFiles(folder, await checkFirstLoad(folder));
    await compressFiles(folder);
    await writeFile(join(folder, STAMP), stamp);
    await replaceTarget(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.error(`setup: built the web page in ${seconds} s`);
}

/** Whoever built at the same time made the same, so that it does not matter whose is there. */
async function replaceTarget(folder: string): Promise<void> {
  await rm(target, { recursive: true, force: true });
  await rename(folder, target).catch(async (thrown: unknown) => {
    if ((await readStamp()) !== stamp) throw thrown;
  });
}

async function runVite(outDir: string): Promise<void> {
  // Not before they are needed: they take most of a second.
  const [{ build }, { default: react }] = await Promise.all([
    import('vite'),
    import('@vitejs/plugin-react'),
  ]);
  await mkdir(outDir, { recursive: true });
  await build({
    root: join(ROOT, 'web'),
    configFile: false,
    logLevel: 'warn',
    plugins: [react()],
    define: { __WITH_COMPONENTS_PAGE__: JSON.stringify(isForTests) },
    build: {
      outDir,
      emptyOutDir: true,
      manifest: true,
      target: 'es2023',
      // Nothing inline: the policy of the page would not let it be used.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rolldownOptions: { output: { codeSplitting: { groups: [SHARED] } } },
    },
  });
}

/** The entry, the first view, and all that they import. */
async function checkFirstLoad(folder: string): Promise<readonly string[]> {
  const path = join(folder, '.vite/manifest.json');
  const chunks = JSON.parse(await readFile(path, 'utf8')) as Record<string, Chunk>;
  await rm(join(folder, '.vite'), { recursive: true });
  const files = new Set<string>();
  const visit = (name: string): void => {
    const chunk = chunks[name];
    if (chunk === undefined) throw new Error(`the built page has no ${name}`);
    if (files.has(chunk.file)) return;
    files.add(chunk.file);
    chunk.imports?.forEach(visit);
  };
  visit('index.html');
  visit(FIRST_VIEW);
  const sizes = [...files].map((file) => {
    const bytes = gzipSync(readFileSync(join(folder, file)), { level: 9 }).byteLength;
    return { file, bytes };
  });
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  const told = sizes.map(({ file, bytes }) => `${(bytes / 1024).toFixed(1)} KiB ${file}`);
  if (process.argv.includes('--sizes')) {
    console.error([...told, `${(total / 1024).toFixed(1)} KiB of script at first`].join('\n'));
  }
  if (total > MOST_FIRST_LOAD_BYTES) {
    const limit = MOST_FIRST_LOAD_BYTES / 1024;
    throw new Error(`the first load is over ${limit} KiB of script: ${told.join(', ')}`);
  }
  return [...files];
}

/**
 * The page says at its top what is asked for next, so that it comes while scripts are still being
 * read: what the first view is made of, the typeface, and who is signed in.
 */
async function announceFiles(folder: string, scripts: readonly string[]): Promise<void> {
  const path = join(folder, 'index.html');
  const html = await readFile(path, 'utf8');
  const fonts = (await readdir(join(folder, 'assets'))).filter((name) => TYPEFACE.test(name));
  const links = [
    ...scripts
      .filter((file) => !html.includes(file))
      .map((file) => `<link rel="modulepreload" crossorigin href="/${file}">`),
    ...fonts.map((name) => `<link rel="preload" as="font" crossorigin href="/assets/${name}">`),
    '<link rel="preload" as="fetch" crossorigin href="/api/session">',
  ];
  await writeFile(path, html.replace('</head>', `  ${links.join('\n    ')}\n  </head>`));
}

async function compressFiles(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && COMPRESSED.has(extname(entry.name)));
  const toGzip = promisify(gzip);
  const toBrotli = promisify(brotliCompress);
  await Promise.all(
    files.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      const bytes = await readFile(path);
      const params = {
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength,
      };
      await writeFile(`${path}.gz`, await toGzip(bytes, { level: 9 }));
      await writeFile(`${path}.br`, await toBrotli(bytes, { params }));
    }),
  );
}
