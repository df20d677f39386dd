/** The page of components: each is there, in both schemes, and does what it is for. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { PHONE, useChromium } from './chromium.ts';
import { useSite } from './site.ts';

const chromium = useChromium();
const PATH = '/dev/components';

describe('the components', () => {
  const { site } = useSite();

  it('are all there, in both schemes', async () => {
    await using tab = await chromium.open(site(), { path: PATH });
    const { page } = tab;
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.getByRole('heading', { name: 'Components', level: 1 }).waitFor();
      for (const name of ['OK', 'Warning', 'Error', 'Working', 'Idle', 'Unknown']) {
        await page.getByText(name, { exact: true }).first().waitFor();
      }
      assert.equal(await page.getByRole('meter', { name: 'Disk' }).count(), 3);
      assert.equal(await page.getByRole('progressbar', { name: 'Disk' }).count(), 2);
      await page.getByRole('figure', { name: 'CPU' }).locator('canvas').waitFor();
      await page.getByRole('figure', { name: 'Network' }).locator('canvas').waitFor();
    }
  });

  it('hold few of many rows in the document, and all of them in reach', async () => {
    await using tab = await chromium.open(site(), { path: PATH });
    const { page } = tab;
    const table = page.getByRole('table', { name: 'Table' });
    await table.getByText('vm-0001').waitFor();
    assert.ok((await table.getByRole('row').count()) < 120);
    await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
    await table.getByText('vm-2000').waitFor();

    await page.getByRole('button', { name: 'Load', exact: true }).click();
    await page.waitForURL('**/dev/components?sort=-load');
    await page
      .getByRole('columnheader', { name: 'Load' })
      .and(page.locator('[aria-sort="descending"]'))
      .waitFor();
    await page.getByRole('searchbox', { name: 'Filter machines' }).fill('vm-19 error');
    await page.getByText('of 2000').waitFor();
    assert.match(page.url(), /[?&]q=vm-19\+error/);
    assert.equal(await table.getByText('vm-0001').count(), 0);
    // The address holds the whole view.
    await page.reload();
    await page.getByText('of 2000').waitFor();
    assert.equal(await table.getByText('vm-0001').count(), 0);
  });

  it('ask before they destroy, and give values away as CSV', async () => {
    await using tab = await chromium.open(site(), { path: PATH });
    const { page } = tab;
    await page.getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete vm-0001?' });
    const confirm = dialog.getByRole('button', { name: 'Delete' });
    assert.equal(await confirm.isDisabled(), true);
    await dialog.getByLabel('Type vm-0001 to confirm').fill('vm-0001');
    await confirm.click();
    await dialog.waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Say something' }).click();
    await page.getByRole('log').getByText('Machine web-1 was stopped').waitFor();

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download as CSV: Network' }).click(),
    ]);
    const lines = (await readFile(await download.path(), 'utf8')).split('\r\n');
    assert.equal(lines[0], 'time,eth0');
    assert.equal(lines.length, 242);
    assert.match(lines[131] ?? '', /Z,$/);
  });

  it('keep notices over a dialog in reach of finger and keyboard', async () => {
    await using tab = await chromium.open(site(), {
      ...{ path: PATH, size: PHONE, context: { hasTouch: true, isMobile: true } },
    });
    const { page } = tab;
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Say something' }).click();
    await page.getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete vm-0001?' });
    const notice = dialog.getByRole('log').getByText('Machine web-1 was stopped');
    const undo = dialog.getByRole('button', { name: 'Undo' });
    // Nothing lies over it, so that it can be tapped.
    await undo.tap({ trial: true });
    const field = dialog.getByLabel('Type vm-0001 to confirm');
    await field.focus();
    for (let step = 0; step < 3; step += 1) {
      if ((await undo.and(page.locator(':focus')).count()) > 0) break;
      await page.keyboard.press('Tab');
    }
    await undo.and(page.locator(':focus')).press('Enter');
    await notice.waitFor({ state: 'detached' });
    // The keyboard is back where it came from, in the dialog, which is still open.
    await dialog.getByRole('button', { name: 'Cancel' }).and(page.locator(':focus')).press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Delete' }).and(page.locator(':focus')).waitFor();
  });

  it('zoom charts by dragging across them, and put the time into the address', async () => {
    await using tab = await chromium.open(site(), { path: PATH });
    const { page } = tab;
    const plot = page.getByRole('figure', { name: 'CPU' }).locator('.u-over');
    await plot.scrollIntoViewIfNeeded();
    const box = (await plot.boundingBox()) ?? assert.fail('the chart has no place');
    await page.mouse.move(box.x + 40, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + 200, box.y + 40, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/range=\d{10}-\d{10}/);
    await page.getByRole('button', { name: 'Live' }).click();
    await page.waitForURL(/components$/);
  });
});
