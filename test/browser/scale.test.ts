/**
 * A large installation in the page: 200 servers that tell something new each second, and 2,000
 * machines of which one changes all the time. What is judged is what the page does, in time of the
 * processor: other tests run meanwhile, for whose sake frames come late, and more news comes while
 * one scrolls. What Chromium takes to paint is its own affair.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { CDPSession, Page } from 'playwright-core';
import { openDatabase } from '#stores/open-database.ts';
import { ask, createVm } from '#test/api-client.ts';
import { fillMachines } from '#test/machine-rows.ts';
import { useChromium } from './chromium.ts';
import { useSite } from './site.ts';

const SERVERS = 200;
const MACHINES = 2000;
/** A hand at a wheel: two frames, and on it goes. */
const STEPS = 60;
const STEP_PX = 300;
/** Between two changes of the one that changes. */
const CHANGE_STEPS = 10;
/** Of the page's thread: for a step of 33 ms, and for the news of a second. */
const MOST_STEP_MS = 20;
const MOST_SECOND_MS = 150;
/** What is near the window, and not what the list holds. */
const MOST_ROWS = 150;

const TWO_FRAMES = `new Promise((resolve) =>
  requestAnimationFrame(() => requestAnimationFrame(() => resolve())))`;
const PARTS = ['ScriptDuration', 'LayoutDuration', 'RecalcStyleDuration'];
const COUNT_ROWS = 'document.querySelectorAll("tbody tr").length';

const chromium = useChromium();

describe('a large installation', () => {
  const servers = Array.from({ length: SERVERS }, (_, at) => ({
    ...{ id: `server-${at + 1}`, sources: [{ kind: 'local' }] },
  }));
  const { site } = useSite({
    config: { fleet: { intervalMs: 5000, maxSockets: 10, largestFile: false, servers } },
  });
  const living = 'living';
  before(async () => {
    const templateId = await createVm(site());
    await createVm(site(), { vm_id: living });
    const url = `sqlite:${join(site().dataDir, 'drover.db')}`;
    await using database = await openDatabase({ url });
    await fillMachines(database, { templateId, count: MACHINES, customers: 1 });
  });

  it('has 200 servers that are scrolled while all of them change', async () => {
    await using tab = await chromium.open(site());
    const { page } = tab;
    const table = page.getByRole('table', { name: 'Servers' });
    await table.getByRole('meter', { name: 'CPU of server-1', exact: true }).waitFor();
    assertLight(await scroll(page));
    await page.keyboard.press('End');
    await table.getByRole('link', { name: 'server-200' }).waitFor();
  });

  it('has 2,000 machines that are scrolled while one of them changes', async () => {
    await using tab = await chromium.open(site(), { path: '/machines' });
    const { page } = tab;
    const table = page.getByRole('table', { name: 'Machines' });
    await table.getByRole('link', { name: living }).waitFor();
    const changes = ['BootVm', 'PauseVm', 'ResumeVm', 'PauseVm', 'ResumeVm', 'PauseVm'];
    const change = async (step: number) => {
      const method = step % CHANGE_STEPS === 0 ? changes.shift() : undefined;
      if (method !== undefined) await ask(site(), method, { vm_id: living });
    };
    assertLight(await scroll(page, change));
    assert.deepEqual(changes, []);
    const rows = await page.evaluate<number>(COUNT_ROWS);
    assert.ok(rows < MOST_ROWS, `${rows} rows are in the document`);
    await page.keyboard.press('End');
    await table.locator(`[aria-rowindex="${MACHINES + 2}"]`).waitFor();
  });
});

interface Work {
  readonly ms: number;
  readonly mostMs: number;
  readonly parts: Readonly<Record<string, number>>;
}

async function scroll(page: Page, meanwhile?: (step: number) => Promise<void>): Promise<Work> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  await page.mouse.move(700, 600);
  const from = await readWork(session);
  const startedMs = performance.now();
  for (let step = 0; step < STEPS; step += 1) {
    await page.mouse.wheel(0, STEP_PX);
    await meanwhile?.(step);
    await page.evaluate(TWO_FRAMES);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const to = await readWork(session);
  const parts = Object.fromEntries(
    PARTS.map((name) => [name, (to.get(name) ?? 0) - (from.get(name) ?? 0)]),
  );
  const ms = Object.values(parts).reduce((sum, each) => sum + each, 0);
  return { ms, mostMs: STEPS * MOST_STEP_MS + seconds * MOST_SECOND_MS, parts };
}

async function readWork(session: CDPSession): Promise<ReadonlyMap<string, number>> {
  const { metrics } = await session.send('Performance.getMetrics');
  return new Map(metrics.map(({ name, value }) => [name, value * 1000]));
}

function assertLight({ ms, mostMs, parts }: Work): void {
  const told = Object.entries(parts).map(([name, each]) => `${name} ${each.toFixed(0)} ms`);
  const limit = `${ms.toFixed(0)} ms of work, where ${mostMs.toFixed(0)} would do`;
  assert.ok(ms < mostMs, `${limit}: ${told.join(', ')}`);
}
