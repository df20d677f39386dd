/** The fleet in the page: the overview, a server of it, and the settings of which there are. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { TokenService } from '#access/token-service.ts';
import { systemClock } from '#kernel/clock.ts';
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
    await using tab = await chromium.open(site(), { path: '/servers/cellar-1', size: PHONE });
    await tab.page.getByRole('figure', { name: 'CPU', exact: true }).waitFor();
    const [wide = 0, seen = 0] = await tab.page.evaluate<number[]>(WIDTHS);
    assert.ok(wide <= seen, `${wide} px are more than the phone's ${seen}`);
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
    const { stores } = site().server.context;
    const tokens = new TokenService({ store: stores.tokens, clock: systemClock });
    const { secret } = await tokens.createToken({
      ...{ name: 'board', customerId: '123', scope: 'read-only' },
    });
    await using tab = await chromium.open(site(), { path: '/alerts?tab=rules', token: secret });
    const { page } = tab;
    await page.getByText('read only').waitFor();
    await page.getByRole('tab', { name: 'Rules' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'New rule' }).count(), 0);
  });
});
