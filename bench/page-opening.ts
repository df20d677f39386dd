/** Opens a page in a browser that has nothing in its cache, and waits until something is seen. */
import type { Browser, Page } from 'playwright-core';

export interface Opening {
  readonly path: string;
  /** What is waited for. */
  readonly selector: string;
}

export interface Opened {
  /** From the beginning of the navigation to the frame that shows it. */
  readonly ms: number;
  /** What the page's own thread worked for it, which says more on a busy machine. */
  readonly workMs: number;
  /** The paths of the scripts that were loaded by then. */
  readonly scripts: readonly string[];
}

const SIZE = { width: 1440, height: 900 };
const PATIENCE_MS = 60_000;

/** A context of its own has a cache of its own, cookies of its own, and a process of its own. */
export async function openCold(
  browser: Browser,
  url: string,
  { path, selector }: Opening,
): Promise<Opened> {
  await using context = await browser.newContext({ baseURL: url, viewport: SIZE });
  const page = await context.newPage();
  const scripts: string[] = [];
  page.on('request', (request) => {
    if (request.resourceType() === 'script') scripts.push(new URL(request.url()).pathname);
  });
  await page.addInitScript(watchFor(selector));
  const session = await context.newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  await page.goto(path, { waitUntil: 'commit' });
  const ms = await page.evaluate<number>('seenAt');
  const { metrics } = await session.send('Performance.getMetrics');
  const worked = metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
  return { ms, workMs: worked * 1000, scripts: [...scripts] };
}

/** Looks once in each frame, with the clock that begins with the navigation. */
function watchFor(selector: string): string {
  return `globalThis.seenAt = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('nothing was seen')), ${PATIENCE_MS});
    const look = () => {
      if (document.querySelector(${JSON.stringify(selector)}) === null) requestAnimationFrame(look);
      else resolve(performance.now());
    };
    requestAnimationFrame(look);
  });`;
}

/** For as long as somebody looks at it. */
export async function openAndStay(
  browser: Browser,
  url: string,
  { path, selector }: Opening,
): Promise<AsyncDisposable & { readonly page: Page }> {
  const context = await browser.newContext({ baseURL: url, viewport: SIZE });
  const page = await context.newPage();
  await page.goto(path);
  await page.locator(selector).first().waitFor();
  return { page, [Symbol.asyncDispose]: async () => await context.close() };
}
