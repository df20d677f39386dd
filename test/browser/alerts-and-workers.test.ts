/** Alerts with their rules, and apps with their workers, in the page. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { appArchive } from '#test/app-fixture.ts';
import { useChromium } from './chromium.ts';
import { useSite } from './site.ts';

const chromium = useChromium();
const TALKER = `console.log('ready to go');
export default { fetch: () => new Response('hello') };`;

describe('alerts and workers', () => {
  const { site } = useSite();

  it('has a rule made that fires, is changed, switched off and deleted', async () => {
    await using tab = await chromium.open(site(), { path: '/alerts' });
    const { page } = tab;
    await page.getByRole('button', { name: 'New rule' }).click();
    await page.waitForURL(/rule=new/);
    const dialog = page.getByRole('dialog', { name: 'New rule' });
    await dialog.getByLabel('Name').fill('used at all');
    await dialog.getByLabel('Metric').fill('drover_memory_used_percent');
    await dialog.getByLabel('For at least').fill('0s');
    await dialog.getByRole('button', { name: 'Create rule' }).click();
    await dialog.getByRole('alert').getByText('must be a number').waitFor();
    await dialog.getByLabel('Threshold').fill('0');
    tab.expectProblem(/400 \(Bad Request\)/);
    await dialog.getByRole('button', { name: 'Create rule' }).click();
    // The server's own words, at the field that they are about.
    await dialog.getByText(/^name: must be/).waitFor();
    await dialog.getByLabel('Name').fill('used-at-all');
    await dialog.getByRole('button', { name: 'Create rule' }).click();
    await dialog.waitFor({ state: 'detached' });

    await page.getByRole('tab', { name: 'Firing and pending' }).click();
    const alerts = page.getByRole('table', { name: 'Firing and pending' });
    await alerts.getByRole('row', { name: /Warning Firing used-at-all .*> 0/ }).waitFor();
    await alerts.getByRole('button', { name: 'Silence…' }).first().click();
    const silence = page.getByRole('dialog', { name: 'Silence used-at-all?' });
    await silence.getByLabel('Why').fill('known');
    await silence.getByRole('button', { name: 'Silence' }).click();
    await alerts.getByRole('row', { name: /Warning Silenced used-at-all/ }).waitFor();
    await page.getByRole('tab', { name: 'Silences' }).click();
    await page.getByRole('row', { name: /rule="used-at-all" known/ }).waitFor();
    await page.getByRole('button', { name: 'End' }).click();
    await page.getByRole('heading', { name: 'Nothing is silenced' }).waitFor();
    await page.getByRole('tab', { name: 'Firing and pending' }).click();
    await alerts.getByRole('link', { name: 'used-at-all' }).click();
    const change = page.getByRole('dialog', { name: 'Change used-at-all' });
    await change.getByLabel('Severity').selectOption('Critical');
    await change.getByRole('button', { name: 'Save' }).click();
    await change.waitFor({ state: 'detached' });

    const rule = page.getByRole('row', { name: /^used-at-all/ });
    await rule.getByText('Critical').waitFor();
    const menu = page.getByRole('button', { name: 'Actions of used-at-all' });
    await menu.click();
    await page.getByRole('menuitem', { name: 'Switch off' }).click();
    await rule.getByText('Off').waitFor();
    await menu.click();
    await page.getByRole('menuitem', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Delete rule' }).click();
    await rule.waitFor({ state: 'detached' });
  });

  it('changes a rule that ships with Drover, and takes that back', async () => {
    await using tab = await chromium.open(site(), { path: '/alerts?tab=rules&q=cpu-usage' });
    const { page } = tab;
    const menu = page.getByRole('button', { name: 'Actions of cpu-usage', exact: true });
    const row = page.getByRole('row', { name: /^cpu-usage/ });
    await menu.click();
    await page.getByRole('menuitem', { name: 'Switch off' }).click();
    await row.getByText('Drover, changed').waitFor();
    await menu.click();
    await page.getByRole('menuitem', { name: 'Back to how it ships…' }).click();
    await page.getByRole('button', { name: 'Take back' }).click();
    await row.getByText('Drover', { exact: true }).waitFor();
  });

  it('deploys an app, shows its worker and its log, and goes back to a version', async () => {
    await using tab = await chromium.open(site(), { path: '/workers' });
    const { page } = tab;
    await page.getByRole('heading', { name: 'No apps yet' }).waitFor();
    for (const version of ['1.0.0', '1.1.0']) {
      const buffer = await appArchive('talker', version, {
        ...{ manifest: { access: 'public', entrypoint: 'main.ts' }, files: { 'main.ts': TALKER } },
      });
      await page.getByRole('button', { name: 'Deploy an app…' }).first().click();
      const dialog = page.getByRole('dialog', { name: 'Deploy an app' });
      const file = { name: 'talker.tgz', mimeType: 'application/gzip', buffer };
      await dialog.getByLabel('Archive').setInputFiles(file);
      await dialog.getByRole('button', { name: 'Deploy' }).click();
      await page.getByRole('row', { name: new RegExp(`talker Works ${version}`) }).waitFor();
    }
    assert.equal((await fetch(`${site().url}/apps/talker/`)).status, 200);
    await page.getByRole('link', { name: 'talker' }).click();
    await page.waitForURL(/app=talker/);
    await page.getByRole('log', { name: 'Log of talker' }).getByText('ready to go').waitFor();
    const versions = page.getByRole('table', { name: 'Versions of talker' });
    await versions.getByRole('button', { name: 'Make current' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Make current' }).click();
    await versions.getByRole('row', { name: /1\.0\.0 current/ }).waitFor();

    await page.getByRole('tab', { name: /Workers/ }).click();
    const workers = page.getByRole('table', { name: 'Workers' });
    await workers.getByRole('row', { name: /talker@1\.1\.0/ }).waitFor();

    await page.getByRole('tab', { name: /Apps/ }).click();
    await page.getByRole('button', { name: 'Actions of talker' }).click();
    await page.getByRole('menuitem', { name: 'Delete…' }).click();
    await page.getByLabel('Type talker to confirm').fill('talker');
    await page.getByRole('button', { name: 'Delete app' }).click();
    await page.getByRole('heading', { name: 'No apps yet' }).waitFor();
  });
});
