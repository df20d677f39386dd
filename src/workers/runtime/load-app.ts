/** Imports an app and finds what of it Drover calls. Whatever is wrong is said to its owner. */
import { readFile, realpath } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DroverError } from '#kernel/errors.ts';
import { describeAppError } from './app-error.ts';
import type { AppFetch, AppModule } from './app-module.ts';

const EXTENSIONS = /\.[cm]?[jt]s$/;

export async function loadApp(directory: string, entrypoint: string): Promise<AppModule> {
  if (!EXTENSIONS.test(entrypoint)) {
    throw refusal(entrypoint, 'the name must end in .ts, .mts, .cts, .js, .mjs or .cjs');
  }
  let namespace: object;
  try {
    namespace = await import(pathToFileURL(join(directory, entrypoint)).href);
  } catch (thrown) {
    const said = describeAppError(thrown, await namesOf(directory));
    const place = thrown instanceof SyntaxError ? await placeOf(directory, entrypoint, said) : '';
    throw refusal(entrypoint, `it cannot be loaded: ${place}${said}`);
  }
  return moduleOf(namespace, entrypoint);
}

/** Of a mistake in JavaScript Node does not tell the line; its parser for TypeScript does. */
async function placeOf(directory: string, entrypoint: string, said: string): Promise<string> {
  if (!said.startsWith('SyntaxError')) return '';
  try {
    const text = await readFile(join(directory, entrypoint), 'utf8');
    stripTypeScriptTypes(text, { sourceUrl: entrypoint });
    return '';
  } catch (thrown) {
    const [first = ''] = thrown instanceof Error ? (thrown.stack ?? '').split('\n') : [];
    return first.startsWith(`${entrypoint}:`) ? `${first}: ` : '';
  }
}

function moduleOf(namespace: object, entrypoint: string): AppModule {
  const exported = defaultExport(namespace);
  const found = fetchOf(exported) ?? fetchOf(namespace);
  if (found === undefined) {
    const problem =
      exported === undefined
        ? 'it must have a default export, an object with a function fetch(request, context)'
        : 'the default export must be an object with a function fetch(request, context)';
    throw refusal(entrypoint, problem);
  }
  const owner = found.owner;
  return {
    fetch: found.fetch,
    onIdle: hookOf(owner, 'onIdle', entrypoint),
    onTerminate: hookOf(owner, 'onTerminate', entrypoint),
  };
}

/** What was compiled to CommonJS has its default export one level further down. */
function defaultExport(namespace: object): unknown {
  const exported: unknown = Reflect.get(namespace, 'default');
  if (typeof exported !== 'object' || exported === null) return exported;
  const isCompiled = Reflect.get(exported, '__esModule') === true;
  return isCompiled ? Reflect.get(exported, 'default') : exported;
}

interface Found {
  readonly owner: object;
  readonly fetch: AppFetch;
}

function fetchOf(owner: unknown): Found | undefined {
  if (typeof owner === 'function') {
    return {
      owner,
      fetch: (request, context) => Reflect.apply(owner, undefined, [request, context]),
    };
  }
  if (typeof owner !== 'object' || owner === null) return undefined;
  const fetch: unknown = Reflect.get(owner, 'fetch');
  if (typeof fetch !== 'function') return undefined;
  return { owner, fetch: (request, context) => Reflect.apply(fetch, owner, [request, context]) };
}

function hookOf(owner: object, name: string, entrypoint: string): (() => unknown) | undefined {
  const hook: unknown = Reflect.get(owner, name);
  if (hook === undefined) return undefined;
  if (typeof hook !== 'function') throw refusal(entrypoint, `${name} must be a function`);
  return () => Reflect.apply(hook, owner, []);
}

/** An app that may not resolve links does not know what its folder is called without them. */
async function namesOf(directory: string): Promise<readonly string[]> {
  const resolved = await realpath(directory).catch(() => directory);
  return resolved === directory ? [directory] : [directory, resolved];
}

function refusal(entrypoint: string, problem: string): DroverError {
  return new DroverError('failed_precondition', `entrypoint ${entrypoint}: ${problem}`, {
    reason: 'APP_NOT_LOADED',
  });
}
