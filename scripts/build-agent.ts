/**
 * `npm run build:agent`: makes the agent one executable file, dist/drover-agent, that needs neither
 * Node nor anything beside it. esbuild puts its sources into one script, which Node itself puts
 * into a copy of its own program.
 *
 *   src/apps/drover/agent-main.ts ─ esbuild ─▶ agent.cjs ─ node --build-sea ─▶ dist/drover-agent
 */
import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs, promisify } from 'node:util';
import { build, type Plugin } from 'esbuild';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: { out: { type: 'string', default: join(root, 'dist/drover-agent') } },
});
const out = resolve(values.out);

/**
 * Flags for a small process, each for the resident memory that it was measured to save. What runs
 * once a second gains nothing from optimized code; answers take twice the CPU that they would.
 */
const EXEC_ARGV = [
  // One helper thread instead of four, each of which has a heap of malloc's: up to 5 MB.
  '--v8-pool-size=1',
  // A young generation that stays small: 6 MB. (--lite-mode would save 2 MB more, and with it go
  // WebAssembly and so fetch, by which the keys of JWTs are got.)
  '--optimize-for-size',
  // No optimizing compilers, whose own pages count too: 4 MB, and 40 MB under load.
  '--no-opt',
  '--no-maglev',
  // What only start-up runs is not kept compiled: 1 MB.
  '--bytecode-old-age=1',
  // No thread that waits for a debugger to be let in by SIGUSR1: 1 MB, and a door less.
  '--disable-sigusr1',
];

/** Parts of Node that cost memory when they are loaded, and that few agents ever use. */
const LAZY_BUILTINS = /^node:(?:http2|https|worker_threads)$|^(?:http2|https|worker_threads)$/;

/** What is loaded in place of them: the same names, each of which loads the real one when read. */
const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup(plugin) {
    plugin.onResolve({ filter: LAZY_BUILTINS }, ({ path, namespace }) =>
      namespace === 'lazy' ? { path, external: true } : { path, namespace: 'lazy' },
    );
    plugin.onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => {
      const names = Object.keys(createRequire(import.meta.url)(path) as object);
      const getters = names.map((name) => `get ${name}() { return require('${path}').${name} }`);
      return { contents: `module.exports = {\n${getters.join(',\n')}\n}`, loader: 'js' };
    });
  },
};

/** Answers the licenses of the packages that it took in. */
async function bundle(file: string): Promise<string> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['src/apps/drover/agent-main.ts'],
    outfile: file,
    bundle: true,
    minify: true,
    // For reading the stack traces of its log: names kept in the program would take 1 MB.
    sourcemap: 'external',
    platform: 'node',
    target: `node${process.versions.node}`,
    format: 'cjs',
    // Beside the executable. In the script a single letter beyond ASCII would double its size.
    legalComments: 'none',
    metafile: true,
    // Only loaded by pg where it is installed, which it never is here.
    external: ['pg-native'],
    plugins: [lazyBuiltins],
    logLevel: 'warning',
  });
  const packages = Object.keys(metafile.inputs).flatMap(
    (input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? [],
  );
  const texts = [...new Set(packages)].toSorted().map(readLicense);
  return [await readFile(join(root, 'LICENSE'), 'utf8'), ...(await Promise.all(texts))].join('\n');
}

async function readLicense(folder: string): Promise<string> {
  const { name, version, license } = JSON.parse(
    await readFile(join(root, folder, 'package.json'), 'utf8'),
  ) as Record<string, string>;
  const file = (await readdir(join(root, folder))).find((each) => /^licen[cs]e/i.test(each));
  const text = file === undefined ? '' : await readFile(join(root, folder, file), 'utf8');
  return `${'-'.repeat(80)}\n${name} ${version} (${license})\n\n${text}`;
}

/**
 * Node writes the file in one go, and Linux then keeps it in its cache in such large pieces that
 * every process that runs it counts 30 MB more as resident. Copied in small ones it does not.
 */
async function copyInPieces(from: string, to: string): Promise<void> {
  const pieces = createReadStream(from, { highWaterMark: 64 * 1024 });
  await pipeline(pieces, createWriteStream(to, { mode: 0o755 }));
}

const scratch = await mkdtemp(join(tmpdir(), 'drover-build-'));
try {
  const script = join(scratch, 'agent.cjs');
  const licenses = await bundle(script);
  const config = {
    main: script,
    output: join(scratch, 'agent'),
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    execArgv: EXEC_ARGV,
    // NODE_OPTIONS of whoever starts it are meant for another Node.
    execArgvExtension: 'none',
  };
  const configFile = join(scratch, 'sea.json');
  await writeFile(configFile, JSON.stringify(config));
  // With the same flags: compiled code that was made under others is not taken.
  await promisify(execFile)(process.execPath, [...EXEC_ARGV, '--build-sea', configFile]);
  await mkdir(dirname(out), { recursive: true });
  await copyInPieces(config.output, `${out}.new`);
  await rename(`${out}.new`, out);
  await writeFile(`${out}.licenses.txt`, licenses);
  await copyFile(`${script}.map`, `${out}.map`);
  const { size } = await stat(out);
  console.log(`${out} (${Math.round(size / 1e6)} MB)`);
} finally {
  await rm(scratch, { recursive: true, force: true });
}
