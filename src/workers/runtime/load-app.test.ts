import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openAppFolder } from '#test/app-folder.ts';
import { createContext } from './app-call.ts';
import { loadApp } from './load-app.ts';
import { WorkCount } from './work-count.ts';

const EMPTY = 'export default { fetch() { return new Response("x"); } };';

/** The refusal of an app with this one file. */
async function refusalOf(name: string, text: string): Promise<string> {
  await using folder = await openAppFolder({ [name]: text });
  try {
    await loadApp(folder.path, name);
  } catch (thrown) {
    assert.ok(thrown instanceof Error);
    assert.ok(!thrown.message.includes(folder.path), thrown.message);
    return thrown.message;
  }
  throw new Error('the app was loaded');
}

async function answerOf(name: string, text: string): Promise<unknown> {
  await using folder = await openAppFolder({ [name]: text });
  const { fetch } = await loadApp(folder.path, name);
  const parts = {
    app: { name: 'x', version: '1', module: { fetch, onIdle: undefined, onTerminate: undefined } },
    work: new WorkCount(() => undefined),
    report: assert.fail,
  };
  const head = { method: 'GET', url: 'http://localhost/', headers: [], hasBody: false };
  return fetch(
    new Request(head.url),
    createContext(parts, head, () => assert.fail()),
  );
}

describe('loadApp', () => {
  it('finds fetch in the default export, as the default export, or beside it', async () => {
    assert.equal(await answerOf('a.ts', 'export default { fetch(): number { return 1; } }'), 1);
    assert.equal(await answerOf('a.mts', 'export default (a: Request): number => 2'), 2);
    assert.equal(await answerOf('a.mjs', 'export const fetch = () => 3'), 3);
    assert.equal(await answerOf('a.cjs', 'module.exports = { fetch: () => 4 }'), 4);
    assert.equal(await answerOf('a.cts', 'exports.fetch = (): number => 5'), 5);
    const compiled = 'exports.__esModule = true; exports.default = { fetch: () => 6 }';
    assert.equal(await answerOf('b.cjs', compiled), 6);
    assert.equal(await answerOf('a.js', 'module.exports = () => 7'), 7);
  });

  it('calls fetch as the method that it is', async () => {
    const text = 'export default new (class { #x = 8; fetch() { return this.#x; } })()';
    assert.equal(await answerOf('a.mjs', text), 8);
  });

  it('finds the hooks, and calls them as methods', async () => {
    const text = `export default { fetch() {}, n: 1, onIdle() { return this.n; } };`;
    await using folder = await openAppFolder({ 'a.mjs': text });
    const { onIdle, onTerminate } = await loadApp(folder.path, 'a.mjs');
    assert.equal(onIdle?.(), 1);
    assert.equal(onTerminate, undefined);
  });

  it('names the file, the line and what is wrong', async () => {
    const throwing = '\nconst port = undefined;\nport.open();\n';
    assert.equal(
      await refusalOf('main.mjs', throwing),
      'entrypoint main.mjs: it cannot be loaded: main.mjs:3: ' +
        "TypeError: Cannot read properties of undefined (reading 'open')",
    );
    assert.match(
      await refusalOf('main.mjs', 'export default {\n  fetch( {\n};\n'),
      /^entrypoint main.mjs: it cannot be loaded: main.mjs:3: SyntaxError: Unexpected token/,
    );
    assert.match(
      await refusalOf('main.ts', 'export default {\n  fetch(: number {\n};\n'),
      /^entrypoint main.ts: it cannot be loaded: main.ts:2: SyntaxError: /,
    );
    assert.match(
      await refusalOf('main.ts', 'enum Colour { Red }\nexport default {};'),
      /^entrypoint main.ts: it cannot be loaded: .*enum is not supported/,
    );
    assert.match(
      await refusalOf('main.mjs', 'import "./missing.mjs";'),
      /^entrypoint main.mjs: it cannot be loaded: .*Cannot find module 'missing.mjs' imported from/,
    );
    assert.match(
      await refusalOf('main.mjs', 'import "no-such-package";'),
      /^entrypoint main.mjs: it cannot be loaded: .*Cannot find package 'no-such-package'/,
    );
    assert.equal(
      await refusalOf('main.mjs', 'throw "words";'),
      'entrypoint main.mjs: it cannot be loaded: it threw words',
    );
  });

  it('says what the default export must be', async () => {
    const must = 'must be an object with a function fetch(request, context)';
    assert.equal(
      await refusalOf('main.mjs', 'export default { port: 80 }'),
      `entrypoint main.mjs: the default export ${must}`,
    );
    assert.equal(
      await refusalOf('main.mjs', 'export default 80'),
      `entrypoint main.mjs: the default export ${must}`,
    );
    assert.equal(
      await refusalOf('main.mjs', 'export const port = 80'),
      'entrypoint main.mjs: it must have a default export, ' +
        'an object with a function fetch(request, context)',
    );
    assert.equal(
      await refusalOf('main.mjs', 'export default { fetch() {}, onIdle: true }'),
      'entrypoint main.mjs: onIdle must be a function',
    );
    assert.equal(
      await refusalOf('index.html', ''),
      'entrypoint index.html: the name must end in .ts, .mts, .cts, .js, .mjs or .cjs',
    );
  });

  it('knows the folder by the name that a link has, and by its own', async () => {
    await using folder = await openAppFolder({ 'main.mjs': '\nthrow new Error(import.meta.url);' });
    await using other = await openAppFolder({});
    const link = join(other.path, 'app');
    await symlink(folder.path, link);
    await assert.rejects(loadApp(link, 'main.mjs'), {
      message: 'entrypoint main.mjs: it cannot be loaded: main.mjs:2: main.mjs',
    });
  });

  it('waits for what the app waits for', async () => {
    assert.ok((await answerOf('a.mjs', `await Promise.resolve();\n${EMPTY}`)) instanceof Response);
  });
});
