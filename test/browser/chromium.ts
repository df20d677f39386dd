/**
 * Debian's Chromium, one for all tests of a file. A tab fails its test when the page says something
 * in the console, throws, breaks its own policy, or asks another origin for anything.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after } from 'node:test';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

const PROGRAM = '/usr/bin/chromium-headless-shell';
/** Long for a page from this host, and short for whoever waits for a test to fail. */
const PATIENCE_MS = 10_000;

const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };

export interface OpenTabOptions {
  readonly path?: string;
  readonly size?: { readonly width: number; readonly height: number };
  readonly colours?: 'dark' | 'light';
  /** Signs in with it before the page is opened. Without it development mode does. */
  readonly token?: string;
  readonly context?: BrowserContextOptions;
}

export interface Tab extends AsyncDisposable {
  readonly page: Page;
  /** What is part of the test, and no failure. */
  expectProblem(pattern: RegExp): void;
}

export interface Chromium {
  open(site: { readonly url: string }, options?: OpenTabOptions): Promise<Tab>;
}

/** To be called once in a file; closes with its last test. */
export function useChromium(): Chromium {
  let opened: Promise<Browser> | undefined;
  after(async () => await (await opened)?.close());
  return {
    open: async (site, options = {}) => {
      opened ??= launchChromium();
      return await openTab(await opened, site, options);
    },
  };
}

export async function launchChromium(): Promise<Browser> {
  if (!existsSync(PROGRAM)) {
    throw new Error(`there is no ${PROGRAM}; install Debian's package chromium-headless-shell`);
  }
  const isRoot = process.getuid?.() === 0;
  return await chromium.launch({
    executablePath: PROGRAM,
    // The sandbox of root's own would have to be root's as well.
    chromiumSandbox: !isRoot,
    args: ['--disable-gpu', '--disable-dev-shm-usage'],
  });
}

async function openTab(
  browser: Browser,
  { url }: { readonly url: string },
  options: OpenTabOptions,
): Promise<Tab> {
  const { path = '/', size = DESKTOP, colours = 'light', token } = options;
  const context = await browser.newContext({
    ...{ viewport: size, colorScheme: colours, baseURL: url, reducedMotion: 'reduce' },
    ...options.context,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  if (token !== undefined) {
    await context.addCookies([{ name: 'drover_session', value: token, url, httpOnly: true }]);
  }
  const page = await context.newPage();
  const problems: string[] = [];
  const expected: RegExp[] = [];
  watch(page, url, problems);
  await page.goto(path);
  return {
    page,
    expectProblem: (pattern) => void expected.push(pattern),
    [Symbol.asyncDispose]: async () => {
      await context.close();
      const unexpected = problems.filter((text) => !expected.some((each) => each.test(text)));
      assert.deepEqual(unexpected, []);
    },
  };
}

function watch(page: Page, url: string, problems: string[]): void {
  const { host } = new URL(url);
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(`thrown: ${error.message}`));
  page.on('request', (request) => {
    const asked = URL.parse(request.url());
    const isLocal = asked?.host === host || ['data:', 'blob:'].includes(asked?.protocol ?? '');
    if (!isLocal) problems.push(`asked another origin: ${request.url()}`);
  });
}
