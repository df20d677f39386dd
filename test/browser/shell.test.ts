/** The page around the views, in Debian's Chromium: as people find things, by role and name. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { TokenService } from '#access/token-service.ts';
import { systemClock } from '#kernel/clock.ts';
import { openTestDirectory } from '#test/drover-server.ts';
import { until } from '#test/until.ts';
import { violationsIn } from './axe.ts';
import { BreakableNetwork } from './breakable-network.ts';
import { PHONE, useChromium } from './chromium.ts';
import { openSite, useSite } from './site.ts';

const chromium = useChromium();
const TOKENS_ONLY = { auth: { mode: 'token', jwt: undefined } } as const;
/** What a browser says of requests that get no answer, or are refused as the test wants it. */
const NO_ANSWER =
  /Failed to load resource|ERR_CONNECTION_RE(?:FUSED|SET)|ERR_EMPTY_RESPONSE|WebSocket connect/;

/** Evaluated in the page: the name of what has the keyboard. Keys are shown, and not said. */
const FOCUSED = `(({ activeElement: element }) =>
  element.getAttribute('aria-label') ?? element.textContent.replace('CtrlK', ''))(document)`;
const WIDTHS = `(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth])
  (document.documentElement)`;

/** When the chart of the CPU knows a value: in milliseconds. */
async function secondsIn(page: Page): Promise<readonly number[]> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download as CSV: CPU', exact: true }).click(),
  ]);
  const [, ...lines] = (await readFile(await download.path(), 'utf8')).trim().split('\r\n');
  return lines.flatMap((line) => {
    const [time = '', value = ''] = line.split(',');
    return value === '' ? [] : [Date.parse(time)];
  });
}

describe('the page', () => {
  const { site } = useSite();

  it('shows the overview, with navigation, title, and nothing in the console', async () => {
    await using tab = await chromium.open(site());
    const { page } = tab;
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    assert.equal(await page.title(), 'Overview · Drover');
    await page.getByRole('table', { name: 'Servers' }).getByText('test-host').waitFor();
    await page.getByText('development', { exact: true }).waitFor();

    // Every view can be opened by its address.
    const links = page.getByRole('navigation', { name: 'Views' }).getByRole('link');
    for (const link of await links.all()) {
      const path = (await link.getAttribute('href')) ?? '';
      const accept = 'text/html,application/xhtml+xml,*/*;q=0.8';
      const answer = await fetch(new URL(path, site().url), { headers: { accept } });
      assert.match(await answer.text(), /<div id="root">/, path);
    }
  });

  it('is operated by the keyboard', async () => {
    await using tab = await chromium.open(site());
    const { page } = tab;
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    const order: string[] = [];
    for (let at = 0; at < 3; at += 1) {
      await page.keyboard.press('Tab');
      order.push(await page.evaluate<string>(FOCUSED));
    }
    assert.deepEqual(order, ['Skip to content', 'Search or run a command', 'Overview']);

    await page.keyboard.press('Control+k');
    const field = page.getByRole('combobox', { name: 'Search or run a command' });
    await field.fill('compon');
    await page.getByRole('option', { name: /Components/, selected: true }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/dev/components');
    await page.getByRole('heading', { name: 'Components', level: 1 }).waitFor();

    await page.keyboard.press('Control+k');
    await field.waitFor();
    await page.keyboard.press('Escape');
    await field.waitFor({ state: 'detached' });
    await page.goBack();
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  });

  it('has its colours switched, and keeps them', async () => {
    await using tab = await chromium.open(site(), { colours: 'light' });
    const { page } = tab;
    const back = () =>
      page.evaluate<string>('getComputedStyle(document.documentElement).background');
    await page.getByRole('button', { name: 'Colours: As the system has them' }).click();
    const light = await back();
    await page.getByRole('button', { name: 'Colours: Light' }).click();
    const dark = await back();
    assert.notEqual(dark, light);
    await page.reload();
    await page.getByRole('button', { name: 'Colours: Dark' }).waitFor();
    assert.equal(await back(), dark);
  });

  it('fits a phone: the views are behind a button', async () => {
    await using tab = await chromium.open(site(), { size: PHONE });
    const { page } = tab;
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    const link = page.getByRole('link', { name: 'Components' });
    assert.equal(await link.isVisible(), false);
    await page.getByRole('button', { name: 'Show views' }).click();
    await link.click();
    await page.getByRole('heading', { name: 'Components', level: 1 }).waitFor();
    assert.equal(await link.isVisible(), false);
    const [wide = 0, seen = 0] = await page.evaluate<number[]>(WIDTHS);
    assert.ok(wide <= seen, `${wide} px are more than the phone's ${seen}`);
  });

  it('is cut off and goes on: nothing is missing, and nothing is loaded again', async () => {
    await using network = await BreakableNetwork.open(site().port);
    await using tab = await chromium.open(network, { path: '/' });
    tab.expectProblem(NO_ANSWER);
    const { page } = tab;
    await page.getByRole('table', { name: 'Servers' }).getByRole('link').click();
    await page.getByLabel('Time', { exact: true }).selectOption('Last 5 minutes');
    await page.getByText('1 point = 1 s').first().waitFor();
    await page.evaluate('window.isSame = true');
    await until(async () => (await secondsIn(page))[0], 'a value');
    const cutAt = Date.now();
    network.cut();
    const banner = page.getByText('The server does not answer.');
    await banner.waitFor();
    assert.deepEqual(await violationsIn(page, 'everything'), []);
    await page.getByText(/was last brought up to date [4-9] s ago/).waitFor();
    const mendedAt = Date.now();
    network.mend();
    await banner.waitFor({ state: 'detached' });
    await page.getByRole('log').getByText('The server answers again.').waitFor();
    const isLater = (at: number) => at > mendedAt;
    await until(async () => (await secondsIn(page)).find(isLater), 'a value from afterwards');
    const missed = (await secondsIn(page)).filter((at) => at > cutAt && at < mendedAt);
    // A busy machine may have been asked late, but what was measured is there.
    assert.ok(missed.length >= 2, `${missed.length} of ${(mendedAt - cutAt) / 1000} s`);
    assert.equal(await page.evaluate('window.isSame'), true);
  });

  it('says what is not there', async () => {
    await using tab = await chromium.open(site(), { path: '/nothing/here' });
    await tab.page.getByText('Nothing is at /nothing/here').waitFor();
    await tab.page.getByRole('link', { name: 'Go to the overview' }).click();
    await tab.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  });
});

describe('signing in', () => {
  const { site } = useSite({ config: TOKENS_ONLY });

  it('takes a token, keeps it out of reach of scripts, and ends', async () => {
    const tokens = new TokenService({
      store: site().server.context.stores.tokens,
      clock: systemClock,
    });
    const { secret } = await tokens.createToken({ name: 'ada', scope: 'operator' });
    await using tab = await chromium.open(site(), { path: '/dev/components' });
    tab.expectProblem(NO_ANSWER);
    const { page } = tab;
    const field = page.getByLabel('Token');
    await field.waitFor();
    assert.deepEqual(await violationsIn(page, 'everything'), []);
    await field.fill('drover_nonsense');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('unknown, revoked or expired').waitFor();
    await field.fill(secret);
    await page.keyboard.press('Enter');
    // Where one wanted to be.
    await page.getByRole('heading', { name: 'Components', level: 1 }).waitFor();
    await page.getByText('ada', { exact: true }).waitFor();
    assert.equal(await page.evaluate('document.cookie'), '');
    const [cookie] = await page.context().cookies();
    assert.deepEqual([cookie?.httpOnly, cookie?.sameSite, cookie?.path], [true, 'Strict', '/']);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await field.waitFor();
    assert.deepEqual(await page.context().cookies(), []);
  });

  it('shows who may only read that it is so', async () => {
    const { stores } = site().server.context;
    const tokens = new TokenService({ store: stores.tokens, clock: systemClock });
    const wanted = { name: 'board', customerId: '123', scope: 'read-only' } as const;
    const { secret } = await tokens.createToken(wanted);
    await using tab = await chromium.open(site(), { token: secret });
    tab.expectProblem(NO_ANSWER);
    await tab.page.getByText('read only').waitFor();
    await tab.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    assert.equal(await tab.page.getByRole('table', { name: 'Servers' }).count(), 0);
  });
});

describe('a server that goes away', () => {
  it('is missed, with the age of what one sees, and found again', async () => {
    await using directory = await openTestDirectory();
    const first = await openSite({ dataDir: directory.path });
    const { port } = first;
    await using tab = await chromium.open(first);
    tab.expectProblem(NO_ANSWER);
    const { page } = tab;
    const host = page.getByRole('table', { name: 'Servers' }).getByText('test-host');
    await host.waitFor();
    await first[Symbol.asyncDispose]();
    const banner = page.getByText('The server does not answer.');
    await banner.waitFor();
    await page.getByText(/was last brought up to date (?:now|\d+ s ago)\./).waitFor();
    // What was loaded stays.
    assert.equal(await host.isVisible(), true);
    await page.getByRole('button', { name: 'Try now' }).click();
    await using _second = await openSite({ dataDir: directory.path, config: { port } });
    // By itself, within seconds.
    await banner.waitFor({ state: 'detached' });
  });
});
