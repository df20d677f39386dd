/** The fleet in the page: the overview, a server of it, and the settings. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import type { Locator } from 'playwright-core';
import { systemClock } from '#kernel/clock.ts';
import { DAY_MS } from '#kernel/units.ts';
import { until } from '#test/until.ts';
import { violationsIn } from './axe.ts';
import { PHONE, useChromium } from './chromium.ts';
import { useSite } from './site.ts';

const chromium = useChromium();
/** A port of loopback that nobody listens on. */
const NOBODY = 'http://127.0.0.1:9';
const WIDTHS = `(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth])
  (document.documentElement)`;

describe('the fleet', () => {
  const { site } = useSite();

  it('is this host until servers are added, tested and changed in the settings', async () => {
    await using tab = await chromium.open(site(), { path: '/settings' });
    const { page } = tab;
    const table = page.getByRole('table', { name: 'Servers' });
    await table.getByRole('row', { name: /this host/ }).waitFor();
    await page.getByText('This host is watched by itself').waitFor();

    await page.getByRole('button', { name: 'Add a server' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a server' });
    await page.waitForURL('**/settings?dialog=new');
    await dialog.getByLabel('Id').fill('cellar-1');
    await dialog.getByLabel('Name').fill('Cellar');
    await dialog.getByRole('button', { name: 'Add server' }).click();
    // What is wrong is said by the server, and nothing is lost.
    await dialog
      .getByRole('alert')
      .getByText(/sources\[0\]\.url/)
      .waitFor();
    await dialog.getByLabel('URL').fill(NOBODY);
    await dialog.getByRole('button', { name: 'Add a source' }).click();
    const second = dialog.getByRole('group', { name: 'Source 2' });
    await second.getByLabel('Kind').selectOption('This host');
    tab.expectProblem(/400 \(Bad Request\)/);
    await dialog.getByRole('button', { name: 'Add server' }).click();
    await dialog.waitFor({ state: 'detached' });
    await table.getByRole('row', { name: /Cellar cellar-1/ }).waitFor();

    await page.getByRole('button', { name: 'Actions of Cellar' }).click();
    await page.getByRole('menuitem', { name: 'Test its sources' }).click();
    const tested = page.getByRole('dialog', { name: 'Sources of Cellar' });
    await tested.getByText('the connection was refused').waitFor();
    await tested.getByRole('row', { name: /this host Works/ }).waitFor();
    await page.keyboard.press('Escape');

    await page.goto('/settings?dialog=cellar-1');
    const change = page.getByRole('dialog', { name: 'Change cellar-1' });
    await change.getByLabel('Name').fill('Basement');
    await change.getByRole('button', { name: 'Save' }).click();
    await table.getByText('Basement').waitFor();
    await page.getByRole('tab', { name: 'About' }).click();
    await page.getByRole('table', { name: 'Checks' }).getByText('database').waitFor();
  });

  it('is seen at a glance: what needs attention first, and why', async () => {
    await using tab = await chromium.open(site());
    const { page } = tab;
    const attention = page.getByRole('table', { name: 'Needs attention' });
    const row = attention.getByRole('row', { name: /exporter http:\/\/127\.0\.0\.1:9 fails/ });
    await row.getByText('the connection was refused').waitFor();
    const servers = page.getByRole('table', { name: 'Servers' });
    await servers.getByRole('meter', { name: 'Memory of Basement' }).waitFor();
    await servers.getByRole('link', { name: 'Basement' }).click();
    await page.waitForURL('**/servers/cellar-1');

    await page.goBack();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox').fill('basement');
    await page.getByRole('option', { name: /Basement/, selected: true }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Basement', level: 1 }).waitFor();
  });

  it('shows a server live and over time, its parts, and where that comes from', async () => {
    await using tab = await chromium.open(site(), { path: '/servers/cellar-1?range=5m' });
    const { page } = tab;
    await page.getByRole('list', { name: 'Why' }).getByText('refused').waitFor();
    const cpu = page.getByRole('figure', { name: 'CPU', exact: true });
    await cpu.locator('canvas').waitFor();
    await cpu.getByText('1 point = 1 s').waitFor();
    await cpu.getByText('user').waitFor();
    await page.getByRole('figure', { name: 'Memory' }).locator('canvas').waitFor();
    await page
      .getByRole('table', { name: 'Filesystems' })
      .getByText('/', { exact: true })
      .waitFor();
    const sources = page.getByRole('table', { name: 'Sources' });
    await sources.getByRole('row', { name: /this host Works/ }).waitFor();
    await sources.getByRole('row', { name: /127\.0\.0\.1:9 .*refused/ }).waitFor();
    const processes = page.getByRole('table', { name: 'Top processes' });
    await processes.getByText(/node/).first().waitFor();
    await processes.getByRole('button', { name: 'Memory' }).click();
    await page.waitForURL(/top=memory/);

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      cpu.getByRole('button', { name: 'Download as CSV: CPU' }).click(),
    ]);
    assert.match(await readFile(await download.path(), 'utf8'), /^time,user,system,iowait,steal/);

    const plot = cpu.locator('.u-over');
    const box = (await plot.boundingBox()) ?? assert.fail('the chart has no place');
    await page.mouse.move(box.x + 40, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + 200, box.y + 40, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/range=\d{10}-\d{10}/);
    await page.getByLabel('Time', { exact: true }).selectOption('Last 1 year');
    await page.waitForURL(/range=1y/);
    // A point of a year stands for a day and more, and none of it is over yet.
    await page.getByRole('heading', { name: 'Nothing was measured in this time' }).waitFor();
    await page.getByLabel('Time', { exact: true }).selectOption('Last 15 minutes');
    await cpu.getByText(/1 point = [2-9] s/).waitFor();
  });

  it('fits a phone', async () => {
    await using tab = await chromium.open(site(), {
      path: '/servers/cellar-1?range=5m',
      size: PHONE,
    });
    await tab.page.getByRole('figure', { name: 'CPU', exact: true }).waitFor();
    const [wide = 0, seen = 0] = await tab.page.evaluate<number[]>(WIDTHS);
    assert.ok(wide <= seen, `${wide} px are more than the phone's ${seen}`);
  });

  it('draws charts when they are seen, with the cursor where the others have it', async () => {
    const width = 1200;
    await using tab = await chromium.open(site(), {
      ...{ path: '/servers/cellar-1?range=5m', size: { width, height: 500 } },
    });
    const { page } = tab;
    const [cpu, last] = ['CPU', 'Time to answer'].map((name) =>
      page.getByRole('figure', { name, exact: true }),
    );
    assert.ok(cpu !== undefined && last !== undefined);
    await cpu.locator('canvas').waitFor();
    await last.waitFor({ state: 'attached' });
    assert.equal(await last.locator('canvas').count(), 0);
    const timeOf = async (figure: Locator) => await figure.locator('.legend-time').innerText();
    await cpu.locator('.u-over').hover();
    assert.notEqual(await timeOf(cpu), 'now');
    assert.equal(await timeOf(last), 'now');
    // A window that grows shows more, and leaves the pointer where it is.
    await page.setViewportSize({ width, height: 2400 });
    await last.locator('canvas').waitFor();
    await until(async () => {
      const [one, other] = [await timeOf(cpu), await timeOf(last)];
      return (one === other && one !== 'now') || undefined;
    }, 'the cursor of both charts to be at the same time');
  });

  it('says of a server that is not there what to do', async () => {
    await using tab = await chromium.open(site(), { path: '/servers/nobody' });
    tab.expectProblem(/404 \(Not Found\)/);
    await tab.page.getByRole('alert').getByText('there is no server nobody').waitFor();
  });

  it('has servers removed only when that is confirmed', async () => {
    await using tab = await chromium.open(site(), { path: '/settings' });
    const { page } = tab;
    await page.getByRole('button', { name: 'Actions of Basement' }).click();
    await page.getByRole('menuitem', { name: 'Remove…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Stop watching Basement?' });
    await dialog.getByRole('button', { name: 'Remove server' }).click();
    await page.getByRole('row', { name: /this host/ }).waitFor();
    await page.getByRole('link', { name: 'Basement' }).waitFor({ state: 'detached' });
  });

  it('offers nothing to do to who may only read', async () => {
    const { tokens } = site().server.context;
    const { secret } = await tokens.createToken({
      ...{ name: 'board', customerId: '123', scope: 'read-only' },
    });
    await using tab = await chromium.open(site(), { path: '/alerts?tab=rules', token: secret });
    const { page } = tab;
    await page.getByText('read only').waitFor();
    await page.getByRole('tab', { name: 'Rules' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'New rule' }).count(), 0);
    await page.keyboard.press('Control+k');
    const field = page.getByRole('combobox', { name: 'Search or run a command' });
    await field.fill('alerts');
    await page
      .getByRole('option', { name: /Alerts/ })
      .first()
      .waitFor();
    for (const deed of ['new rule', 'create machine', 'add webhook', 'new token', 'silence']) {
      await field.fill(deed);
      await page.getByText('Nothing fits. Try fewer letters.').waitFor();
    }
  });

  it('has tokens made, which are shown once, and revoked', async () => {
    const { tokens } = site().server.context;
    const wanted = { name: 'ada', scope: 'operator' } as const;
    const { secret: token } = await tokens.createToken(wanted);
    const expiresAt = systemClock.nowMs() + DAY_MS;
    await tokens.createToken({ ...wanted, name: 'brief', expiresAt });
    await using tab = await chromium.open(site(), { path: '/settings?tab=tokens', token });
    tab.expectProblem(/400 \(Bad Request\)/);
    const { page } = tab;
    const table = page.getByRole('table', { name: 'Tokens' });
    await table.getByRole('row', { name: /ada this session Everything Active/ }).waitFor();
    await table.getByRole('row', { name: /brief Everything Ends soon/ }).waitFor();
    // The palette leads to what is added.
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Search or run a command' }).fill('new token');
    await page.getByRole('option', { name: /New token/, selected: true }).waitFor();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'New token' });
    await dialog.getByLabel('Name').fill('ci');
    await dialog.getByRole('button', { name: 'Create token' }).click();
    // Said by the server, beside the field.
    await dialog.getByText(/customer_id: is needed/).waitFor();
    const customer = dialog.getByLabel('Customer', { exact: true });
    assert.equal(await customer.getAttribute('aria-invalid'), 'true');
    await customer.fill('acme');
    await dialog.getByLabel('Reach').selectOption('Read only');
    await dialog.getByRole('button', { name: 'Create token' }).click();
    const made = page.getByRole('dialog', { name: 'The token ci' });
    const secret = await made.getByRole('group', { name: 'Token' }).locator('code').innerText();
    assert.match(secret, /^drover_tok_[0-9a-f]{12}_[\w-]{43}$/);
    assert.deepEqual(await violationsIn(page, 'everything'), []);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await made.getByRole('button', { name: 'Copy the token' }).click();
    await page.getByText('Copied', { exact: true }).waitFor();
    assert.equal(await page.evaluate('navigator.clipboard.readText()'), secret);
    await made.getByRole('button', { name: 'Done' }).click();
    await table.getByRole('row', { name: /ci Customer acme, read only Active/ }).waitFor();
    assert.doesNotMatch(await page.content(), new RegExp(secret));
    const asked = () =>
      fetch(new URL('/v1/vms', site().url), { headers: { authorization: `Bearer ${secret}` } });
    assert.equal((await asked()).status, 200);

    await page.getByRole('button', { name: 'Actions of ci' }).click();
    await page.getByRole('menuitem', { name: 'Revoke…' }).click();
    const confirm = page.getByRole('dialog', { name: 'Revoke ci?' });
    await confirm.getByRole('button', { name: 'Revoke token' }).click();
    await table.getByRole('row', { name: /ci .*Revoked/ }).waitFor();
    assert.equal((await asked()).status, 401);

    await page.getByRole('tab', { name: 'Connections' }).click();
    await page.getByRole('heading', { name: 'No connections yet' }).waitFor();
  });

  it('is for operators, like all that belongs to no customer', async () => {
    const { tokens } = site().server.context;
    const wanted = { name: 'bob', scope: 'customer', customerId: 'acme' } as const;
    const { secret: token } = await tokens.createToken(wanted);
    await using tab = await chromium.open(site(), { path: '/settings', token });
    const { page } = tab;
    await page.getByRole('heading', { name: 'This is for operators' }).waitFor();
    const views = page.getByRole('navigation', { name: 'Views' }).getByRole('link');
    const names = (await views.allInnerTexts()).map((name) => name.trim());
    assert.deepEqual(names, ['Overview', 'Machines', 'Webhooks', 'Alerts', 'Components']);
    // None of these asks anything that a customer is refused.
    for (const name of names) {
      await views.filter({ hasText: name }).click();
      await page.getByRole('heading', { name, level: 1 }).waitFor();
    }
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Search or run a command' }).fill('migr');
    await page.getByText('Nothing fits. Try fewer letters.').waitFor();
  });
});
