/** The package of clients/ts as npm would install it, built into a folder of its own. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type * as ClientPackage from '#clients/ts/src/client.ts';

const SOURCES = join(import.meta.dirname, '../clients/ts');
const TSC = join(import.meta.dirname, '../node_modules/.bin/tsc');
const NAME = '@drover/client';

const run = promisify(execFile);

export interface BuiltClient extends AsyncDisposable {
  /** A project that has the package installed. */
  readonly dir: string;
  /** What a program of another place imports it by. */
  readonly url: string;
  load(): Promise<typeof ClientPackage>;
  /** Checks programs of the project, with the package's own types and those of browsers. */
  check(files: readonly string[]): Promise<void>;
}

export async function buildClient(): Promise<BuiltClient> {
  const dir = await mkdtemp(join(tmpdir(), 'drover-client-'));
  const installed = join(dir, 'node_modules', NAME);
  try {
    await mkdir(installed, { recursive: true });
    await cp(join(SOURCES, 'package.json'), join(installed, 'package.json'));
    await writeFile(join(dir, 'package.json'), '{ "type": "module" }');
    await tsc(['-p', SOURCES, '--outDir', join(installed, 'dist')]);
  } catch (thrown) {
    await rm(dir, { recursive: true });
    throw thrown;
  }
  const { href: url } = pathToFileURL(join(installed, 'dist/client.js'));
  return {
    ...{ dir, url },
    load: async () => (await import(url)) as typeof ClientPackage,
    check: (files) =>
      tsc([
        ...['--ignoreConfig', '--noEmit', '--strict', '--module', 'nodenext'],
        ...['--target', 'esnext', '--lib', 'esnext,dom,dom.iterable'],
        ...files.map((file) => join(dir, file)),
      ]),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true }),
  };
}

/** Its complaints, which it writes to stdout, become the message. */
async function tsc(args: readonly string[]): Promise<void> {
  try {
    await run(TSC, args);
  } catch (thrown) {
    const { stdout } = thrown as { readonly stdout?: string };
    throw new Error(`tsc ${args.join(' ')}\n${stdout ?? ''}`, { cause: thrown });
  }
}
