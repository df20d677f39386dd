/** Webhooks of both APIs: added, tried out with the true result, sent again, removed. */
import { describe, it } from 'node:test';
import { openServer } from '#test/loopback-server.ts';
import { useChromium } from './chromium.ts';
import { useSite } from './site.ts';

const chromium = useChromium();

describe('webhooks', () => {
  const { site } = useSite();

  it('are added, tell truly whether they are taken, and go', async () => {
    const answers = [500, 204];
    await using receiver = await openServer((_request, response) => {
      response.writeHead(answers.shift() ?? 204).end();
    });
    await using tab = await chromium.open(site(), { path: '/alerts/webhooks' });
    const { page } = tab;
    await page.getByRole('heading', { name: 'No webhooks yet' }).waitFor();
    await page.getByRole('button', { name: 'Add webhook' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'Add a webhook' });
    await dialog.getByLabel('Address').fill(`${receiver.url}/hook`);
    await dialog.getByLabel('job.failed').check();
    await dialog.getByRole('button', { name: 'Add' }).click();
    const table = page.getByRole('table', { name: 'Webhooks' });
    await table.getByText('job.failed').waitFor();
    await table.getByText('Nothing sent yet').waitFor();

    await page.getByRole('button', { name: /^Actions of/ }).click();
    await page.getByRole('menuitem', { name: 'Test' }).click();
    const test = page.getByRole('dialog', { name: /^Test of/ });
    await test.getByText('It was not taken').waitFor();
    await test.getByText('HTTP 500').first().waitFor();
    await test.getByRole('button', { name: 'Try again' }).click();
    await test.getByText('It was taken').waitFor();
    await test.getByText('HTTP 204').waitFor();
    await test.getByRole('button', { name: 'Close' }).last().click();

    await page.getByRole('button', { name: /^Actions of/ }).click();
    await page.getByRole('menuitem', { name: 'Remove' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('heading', { name: 'No webhooks yet' }).waitFor();
  });

  it('of metrics show their deliveries, and send one again', async () => {
    await using receiver = await openServer((_request, response) => response.writeHead(204).end());
    await using tab = await chromium.open(site(), { path: '/alerts/webhooks' });
    const { page } = tab;
    await page.getByRole('button', { name: 'Add webhook' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'Add a webhook' });
    await dialog.getByLabel('Tell of').selectOption('Metrics and alerts');
    await dialog.getByLabel('Address').fill(receiver.url);
    await dialog.getByRole('button', { name: 'Add' }).click();
    await page.getByRole('button', { name: /^Actions of/ }).click();
    await page.getByRole('menuitem', { name: 'Deliveries' }).click();
    await page.waitForURL(/deliveries=metrics/);
    const deliveries = page.getByRole('table', { name: /^Deliveries to/ });
    await deliveries.getByText('HTTP 204').first().waitFor();
    await deliveries.getByRole('button', { name: 'Send again' }).first().click();
    await page.getByRole('log').getByText('Sent again').waitFor();
  });
});
