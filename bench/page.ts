/**
 * The web page as a browser opens it that never saw it: how long it takes from the navigation to
 * the first number of a server on the overview, and to the first chart of a server; how much script
 * that is; and whether its heap stays as it is while numbers change each second.
 *
 * Beside it stands a bare page from the same server: a script without any library, which asks for
 * the servers and writes the first one's number. So much the browser and the server take anyway.
 * The goals are absolute, as people's patience is.
 */
import { execFile } from 'node:child_process';
import { cp, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { systemClock } from '#kernel/clock.ts';
import { launchChromium } from '#test/browser/chromium.ts';
import { openChildServer, repositoryRoot } from './child-server.ts';
import type { Benchmark, BenchmarkOptions, Comparison } from './comparison.ts';
import { watchHeaps, type HeapTrail } from './page-heap.ts';
import { openCold, type Opened, type Opening } from './page-opening.ts';
import { measurePairs, summarizePairs } from './pair.ts';
import { openScratchDirectory } from './scratch-directory.ts';
import { median, slopeOf } from './statistics.ts';

const KIB = 1024;
const MEGABYTE = 1e6;
const MINUTE_MS = 60_000;
/** By then there is something to draw. */
const SETTLE_MS = 10_000;
const AGAINST = 'a bare page from the same server';
const GOALS = {
  ms: { of: 'ours', below: 1000 },
  script: { of: 'ours', below: 180 },
  growth: { of: 'ours', below: 40 },
} as const;

const BARE: Opening = { path: '/assets/bare.html', selector: '#number:not(:empty)' };
const BARE_PAGE = '<!doctype html><p id="number"></p><script type="module" src="bare.js"></script>';
const BARE_SCRIPT = `
const headers = { authorization: 'Bearer dev_operator' };
const answer = await fetch('/api/servers', { headers });
const { servers } = await answer.json();
document.querySelector('#number').textContent = servers[0].cpu_usage + ' %';
`;

export const page: Benchmark = {
  name: 'page',
  summary: 'the web page on a cold cache: first number, first chart, script, heap',
  async *run(options) {
    await using stack = new AsyncDisposableStack();
    const { path: dir } = stack.use(await openScratchDirectory());
    const directory = join(dir, 'page');
    await layOutPage(directory);
    const args = ['--data', join(dir, 'data'), '--page', directory];
    const { url } = stack.use(await openChildServer({ script: 'bench/serve-fakes.ts', args }));
    const browser = await launchChromium();
    stack.defer(async () => await browser.close());
    await systemClock.sleep(SETTLE_MS);
    const site = { url, directory, browser, serverId: await readServerId(url) };
    yield* compareOpenings(site, options);
    yield* compareHeaps(site, options);
  },
};

interface Site {
  readonly url: string;
  /** Where its files are. */
  readonly directory: string;
  readonly browser: Browser;
  readonly serverId: string;
}

/** What `drover up` serves, and the bare page beside it. */
async function layOutPage(directory: string): Promise<void> {
  const build = ['scripts/build-web.ts'];
  await promisify(execFile)(process.execPath, build, { cwd: repositoryRoot });
  await cp(join(repositoryRoot, 'web/dist'), directory, { recursive: true });
  await writeFile(join(directory, 'assets/bare.html'), BARE_PAGE);
  await writeFile(join(directory, 'assets/bare.js'), BARE_SCRIPT);
}

async function readServerId(url: string): Promise<string> {
  const headers = { authorization: 'Bearer dev_operator' };
  const answer = await fetch(new URL('/api/servers', url), { headers });
  const { servers } = (await answer.json()) as { servers: readonly { readonly id: string }[] };
  const [first] = servers;
  if (first === undefined) throw new Error('a server without configuration watches itself');
  return first.id;
}

function openingsOf({ serverId }: Site): Readonly<Record<string, Opening>> {
  return {
    'first-number': { path: '/', selector: '[role="meter"][aria-label^="CPU of"]' },
    'first-chart': {
      path: `/servers/${serverId}?range=5m`,
      selector: 'figure[aria-label="CPU"]:not(:has(.chart-empty)) canvas',
    },
  };
}

async function* compareOpenings(
  site: Site,
  { isQuick, progress }: BenchmarkOptions,
): AsyncGenerator<Comparison> {
  const { runs, warmups } = isQuick ? { runs: 5, warmups: 1 } : { runs: 15, warmups: 2 };
  const open = async (opening: Opening) => await openCold(site.browser, site.url, opening);
  for (const [name, opening] of Object.entries(openingsOf(site))) {
    const pairs: { readonly ours: Opened; readonly peer: Opened }[] = [];
    await measurePairs({ runs, warmups }, async (isOursFirst) => {
      const first = await open(isOursFirst ? opening : BARE);
      const second = await open(isOursFirst ? BARE : opening);
      const [ours, peer] = isOursFirst ? [first, second] : [second, first];
      pairs.push({ ours, peer });
      progress(`${name}: ${ours.ms.toFixed(0)} against ${peer.ms.toFixed(0)} ms`);
      return { ours: ours.ms, peer: peer.ms };
    });
    const counted = pairs.slice(warmups);
    const summary = (read: (opened: Opened) => number) =>
      summarizePairs(counted.map(({ ours, peer }) => ({ ours: read(ours), peer: read(peer) })));
    const against = AGAINST;
    const bench = `page/${name}`;
    yield { bench, ...summary(({ ms }) => ms), unit: 'ms', against, goal: GOALS.ms };
    yield { bench: `${bench}-cpu`, ...summary(({ workMs }) => workMs), unit: 'ms', against };
    yield { ...(await compareScript(site, counted.at(-1))), bench: `${bench}-script` };
  }
}

async function compareScript(
  site: Site,
  opened: { readonly ours: Opened; readonly peer: Opened } | undefined,
): Promise<Omit<Comparison, 'bench'>> {
  const ours = await compressedKib(site, opened?.ours.scripts ?? []);
  const peer = await compressedKib(site, opened?.peer.scripts ?? []);
  return {
    ...{ ours, peer, ratio: ours / peer, unit: 'KiB, gzip', runs: 1 },
    ...{ against: AGAINST, goal: GOALS.script },
  };
}

/** By what lies on the disk: what is too small to be worth it is sent as it is. */
async function compressedKib({ directory }: Site, paths: readonly string[]): Promise<number> {
  const sizes = await Promise.all(
    paths.map(async (path) => {
      const file = join(directory, path);
      const { size } = await stat(`${file}.gz`).catch(async () => await stat(file));
      return size;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0) / KIB;
}

async function* compareHeaps(
  site: Site,
  { isQuick, progress }: BenchmarkOptions,
): AsyncGenerator<Comparison> {
  const { 'first-number': overview, 'first-chart': server } = openingsOf(site);
  if (overview === undefined || server === undefined) throw new Error('both are in the table');
  const plan = isQuick
    ? { forMs: MINUTE_MS, everyMs: 3000 }
    : { forMs: 10 * MINUTE_MS, everyMs: 10_000 };
  // Side by side, so that all of them have been open for the whole time.
  const trails = await watchHeaps(site, [overview, server, BARE], { ...plan, progress });
  const [ofOverview, ofServer, ofBare] = trails;
  if (ofOverview === undefined || ofServer === undefined || ofBare === undefined) {
    throw new Error('each has a trail');
  }
  for (const [name, ours] of [
    ['overview', ofOverview],
    ['server', ofServer],
  ] as const) {
    yield compareTrails(`page/heap/${name}`, { ours, peer: ofBare });
    yield compareGrowth(`page/heap-growth/${name}`, { ours, peer: ofBare });
  }
}

interface Trails {
  readonly ours: HeapTrail;
  readonly peer: HeapTrail;
}

function compareTrails(bench: string, trails: Trails): Comparison {
  const megabytes = (trail: HeapTrail) =>
    median(laterHalf(trail).map(({ bytes }) => bytes / MEGABYTE));
  const [ours, peer] = [megabytes(trails.ours), megabytes(trails.peer)];
  return { bench, ours, peer, ratio: ours / peer, unit: 'MB', runs: 1, against: AGAINST };
}

/** Nothing is what a heap should grow by, and a ratio to nothing says nothing. */
function compareGrowth(bench: string, trails: Trails): Comparison {
  const growth = (trail: HeapTrail) =>
    slopeOf(laterHalf(trail).map(({ atMs, bytes }) => [atMs / MINUTE_MS, bytes / KIB]));
  return {
    ...{ bench, ours: growth(trails.ours), peer: growth(trails.peer), ratio: Number.NaN },
    ...{ unit: 'KiB a minute', runs: 1, against: AGAINST, goal: GOALS.growth },
  };
}

/** In the earlier half code is compiled, and charts fill up to the time that they show. */
function laterHalf(trail: HeapTrail): HeapTrail {
  return trail.slice(Math.floor(trail.length / 2));
}
