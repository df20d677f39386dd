/**
 * Every view with something in it, as axe-core and a phone see it. With DROVER_TEST_WHOLE=1
 * axe-core judges dark colours and what a phone shows as well, and pictures of all of it are left
 * in build/screenshots for whoever judges looks.
 */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { IS_WHOLE } from '#test/whole.ts';
import { violationsIn } from './axe.ts';
import { PHONE, useChromium, type OpenTabOptions, type Tab } from './chromium.ts';
import { openFullSite, type FullSite } from './full-site.ts';
import { show, views } from './views-list.ts';

const chromium = useChromium();
const PICTURES = join(import.meta.dirname, '../../build/screenshots');
const WIDTHS = `(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth])
  (document.documentElement)`;
const WHOLE_SIZE = `(({ scrollWidth, scrollHeight }) => [scrollWidth, scrollHeight])
  (document.documentElement)`;
const MOST_HIGH_PX = 5000;
const TWO_FRAMES = `new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => done())))`;
/** That every colour can be read in both is tested in web/src/styles/tokens.test.ts as well. */
const SCHEMES = IS_WHOLE ? (['light', 'dark'] as const) : (['light'] as const);
/** What is in the table of a machine page is asked for before there is any. */
const NO_SAMPLES = /status of 404/;

let full: FullSite;
before(async () => {
  await mkdir(PICTURES, { recursive: true });
  full = await openFullSite();
});
after(async () => await full[Symbol.asyncDispose]());

async function openTab(options: OpenTabOptions): Promise<Tab> {
  const tab = await chromium.open(full.site, { path: '/dev/components', ...options });
  tab.expectProblem(NO_SAMPLES);
  return tab;
}

type Judge = (page: Page, scheme: 'light' | 'dark') => Promise<readonly string[]>;

/** Shows each view in both schemes; answers all that is wrong with any, with where it is. */
async function judgeAll(page: Page, size: string, judge: Judge): Promise<readonly string[]> {
  const found: string[] = [];
  for (const view of views(full)) {
    for (const scheme of SCHEMES) {
      await page.emulateMedia({ colorScheme: scheme });
      if (scheme === 'light') await show(page, view);
      const name = `${view.name}-${scheme}-${size}`;
      found.push(...(await judge(page, scheme)).map((line) => `${name}: ${line}`));
      if (IS_WHOLE) await takePicture(page, name);
    }
    // What lies over it is in the way of the next.
    await page.keyboard.press('Escape');
  }
  return found;
}

/** Of a list of thousands, the beginning. */
async function takePicture(page: Page, name: string): Promise<void> {
  const [width = 0, height = 0] = await page.evaluate<number[]>(WHOLE_SIZE);
  const seen = page.viewportSize();
  // Charts are drawn when they are in the window.
  await page.setViewportSize({ width, height: Math.min(height, MOST_HIGH_PX) });
  await page.evaluate(TWO_FRAMES);
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
  if (seen !== null) await page.setViewportSize(seen);
}

describe('every view', () => {
  it('has nothing that axe-core finds wrong', async () => {
    await using tab = await openTab({});
    const found = await judgeAll(tab.page, 'desktop', async (page, scheme) => {
      return await violationsIn(page, scheme === 'light' ? 'everything' : 'colours');
    });
    assert.deepEqual(found, []);
  });

  it('fits a phone', async () => {
    await using tab = await openTab({ size: PHONE, context: { hasTouch: true, isMobile: true } });
    const found = await judgeAll(tab.page, 'phone', async (page, scheme) => {
      if (scheme === 'dark') return [];
      const [wide = 0, seen = 0] = await page.evaluate<number[]>(WIDTHS);
      const tooWide = wide > seen ? [`${wide} px are more than the phone's ${seen}`] : [];
      return [...(IS_WHOLE ? await violationsIn(page, 'everything') : []), ...tooWide];
    });
    assert.deepEqual(found, []);
  });
});

/** Evaluated in the page: the name of what has the keyboard. */
const FOCUSED = `(({ activeElement: element }) =>
  element.getAttribute('aria-label') ?? element.textContent)(document)`;

describe('the keyboard', () => {
  it('is on the heading of a view that was gone to, and goes on from there', async () => {
    await using tab = await openTab({ path: '/' });
    const { page } = tab;
    await page.getByRole('link', { name: 'Rack 1' }).waitFor();
    assert.notEqual(await page.evaluate(FOCUSED), 'Overview');
    await page.getByRole('link', { name: 'Machines', exact: true }).press('Enter');
    await page.locator('h1:focus', { hasText: 'Machines' }).waitFor();
    await page.getByRole('link', { name: 'shop-db-1' }).press('Enter');
    await page.locator('h1:focus', { hasText: 'shop-db-1' }).waitFor();
    await page.keyboard.press('Tab');
    assert.notEqual(await page.evaluate(FOCUSED), 'Skip to content');
    // Another part of the same view is no other view.
    await page.getByRole('tab', { name: 'Events' }).press('Enter');
    await page.getByRole('table', { name: 'Events' }).waitFor();
    assert.equal(await page.evaluate(FOCUSED), 'Events');
  });

  it('stays in a dialog while it is open, and is back where it was after that', async () => {
    await using tab = await openTab({ path: '/alerts?tab=rules' });
    const { page } = tab;
    const opener = page.getByRole('button', { name: 'New rule' });
    const dialog = page.getByRole('dialog', { name: 'New rule' });
    for (const close of ['Escape', 'Cancel', 'Close']) {
      await opener.press('Enter');
      await dialog.getByLabel('Name').and(page.locator(':focus')).waitFor();
      await page.keyboard.press('Shift+Tab');
      await page.keyboard.press('Shift+Tab');
      assert.equal(await page.locator('.shell > :not(dialog) :focus').count(), 0);
      if (close === 'Escape') await page.keyboard.press('Escape');
      else await dialog.getByRole('button', { name: close, exact: true }).press('Enter');
      await dialog.waitFor({ state: 'detached' });
      await opener.and(page.locator(':focus')).waitFor();
    }
  });

  it('reaches every server, machine, migration, schedule, app and deed by Ctrl-K', async () => {
    await using tab = await openTab({ path: '/workers' });
    const { page } = tab;
    await page.getByRole('link', { name: 'talker' }).focus();
    const field = page.getByRole('combobox');
    const wanted = [
      ...['Cellar', 'mail', 'ledger-slow', 'nightly', 'talker', 'Webhooks', 'Boot mail'],
      ...['Console of shop-db-1', 'New rule', 'Add a server', 'New migration', 'Colours: Dark'],
      ...['Cancel ledger-slow…', 'Try missing again', 'Run nightly now…', 'Disable nightly'],
      ...['Silence memory-used-at-all', 'Delete the app talker…', 'Test the sources of Cellar'],
    ];
    await page.keyboard.press('Control+k');
    for (const words of wanted) {
      await field.fill(words.toLowerCase());
      await page.getByRole('option', { selected: true }).getByText(words).waitFor();
    }
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'talker' }).and(page.locator(':focus')).waitFor();
  });

  it('does what is chosen there, and asks first where that cannot be taken back', async () => {
    await using tab = await openTab({ path: '/workers' });
    const { page } = tab;
    await page.getByRole('link', { name: 'talker' }).waitFor();
    const choose = async (words: string) => {
      await page.keyboard.press('Control+k');
      await page.getByRole('combobox').fill(words.toLowerCase());
      await page.getByRole('option', { selected: true }).getByText(words).waitFor();
      await page.keyboard.press('Enter');
    };
    // What can be done next is known as soon as this was done.
    for (const [words, said] of [
      ['Disable nightly', 'nightly is disabled'],
      ['Enable nightly', 'nightly is enabled'],
    ] as const) {
      await choose(words);
      await page.getByRole('log', { name: 'Notices' }).getByText(said).waitFor();
    }
    for (const [words, title] of [
      ['Cancel ledger-slow…', 'Cancel the migration of ledger-slow?'],
      ['Limit the bandwidth of ledger-slow…', 'Limit the bandwidth of ledger-slow'],
      ['Silence memory-used-at-all', 'Silence memory-used-at-all?'],
      ['Delete the app talker…', 'Delete talker?'],
      ['Delete nightly…', 'Delete the schedule nightly?'],
    ] as const) {
      await choose(words);
      const dialog = page.getByRole('dialog', { name: title });
      await dialog.waitFor();
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
    }
    await page.waitForURL(({ search }) => !/ask=|silence=/.test(search));
  });

  it('opens a menu, goes along its items, and leaves it by Escape', async () => {
    await using tab = await openTab({ path: '/machines', size: PHONE });
    const { page } = tab;
    const opener = page.getByRole('button', { name: 'Actions of shop-web-1' });
    await opener.press('Enter');
    const items = page.getByRole('menuitem');
    await items.first().and(page.locator(':focus')).waitFor();
    await page.keyboard.press('ArrowUp');
    await items.last().and(page.locator(':focus')).waitFor();
    // No table that is scrolled cuts it off.
    for (const item of await items.all()) await item.click({ trial: true });
    await page.keyboard.press('Escape');
    await opener.and(page.locator(':focus')).waitFor();

    await page.getByRole('button', { name: 'Show views' }).press('Enter');
    await page.getByRole('link', { name: 'Alerts' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Alerts' }).waitFor({ state: 'hidden' });
  });
});

describe('the colours of a system', () => {
  it('leave it to be seen what is chosen, and how things stand', async () => {
    await using tab = await openTab({ path: '/machines' });
    const { page } = tab;
    await page.emulateMedia({ forcedColors: 'active' });
    await page.getByRole('link', { name: 'shop-db-1' }).waitFor();
    const current = `document.querySelector('[aria-current="page"]')`;
    const outline = `getComputedStyle(${current}).outlineStyle`;
    assert.equal(await page.evaluate(outline), 'solid');
    assert.deepEqual(await violationsIn(page, 'colours'), []);
    await takePicture(page, 'machines-forced-desktop');
  });
});
