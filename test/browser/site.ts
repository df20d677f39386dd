/** The test server with the page that was built for tests: with /dev/components. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { promisify } from 'node:util';
import { openTestServer, type TestServer, type TestServerOptions } from '#test/drover-server.ts';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);
let built: Promise<string> | undefined;

/** One for all tests of a suite: to be called in its `describe`, outside of them. */
export function useSite(options: TestServerOptions = {}): { readonly site: () => TestServer } {
  let opened: TestServer | undefined;
  before(async () => {
    opened = await openSite(options);
  });
  after(async () => await opened?.[Symbol.asyncDispose]());
  return {
    site: () => opened ?? assert.fail('the site is there in tests, and not before'),
  };
}

export async function openSite(options: TestServerOptions = {}): Promise<TestServer> {
  const webDirectory = await builtPage();
  return await openTestServer({ ...options, overrides: { webDirectory, ...options.overrides } });
}

/** Where it is; built when it is not there, or is not made of these sources. */
function builtPage(): Promise<string> {
  built ??= buildPage();
  return built;
}

async function buildPage(): Promise<string> {
  await run(process.execPath, [join(ROOT, 'scripts/build-web.ts'), '--tests']);
  return join(ROOT, 'build/web-tests');
}
