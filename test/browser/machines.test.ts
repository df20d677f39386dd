/** The machines in the page: made, told, watched, and read, as people do it. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { TokenService } from '#access/token-service.ts';
import { systemClock } from '#kernel/clock.ts';
import { isMachineId } from '#kernel/ids.ts';
import type { TestServer } from '#test/drover-server.ts';
import { PHONE, useChromium } from './chromium.ts';
import { useSite } from './site.ts';

const chromium = useChromium();

/** As another client would, while the page is open. */
async function call(site: TestServer, method: string, body: object): Promise<string> {
  const answer = await fetch(new URL(`/vmprovisioner.v1.VmService/${method}`, site.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer dev_operator' },
    body: JSON.stringify(body),
  });
  const { vm_id: id, message } = (await answer.json()) as Record<string, string | undefined>;
  assert.equal(answer.status, 200, String(message));
  return id ?? '';
}

async function createMachine(site: TestServer, name: string): Promise<string> {
  return await call(site, 'CreateVm', {
    customer_id: '123',
    config: {
      cpu: { vcpu_count: 2 },
      memory: { size_bytes: 268435456 },
      boot: { boot_options: { firmware: 'bios' } },
      storage: [{ id: 'rootfs', path: '/assets/rootfs.ext4', is_root_device: true }],
      metadata: { name },
    },
  });
}

async function offerImage({ imagesDir }: TestServer): Promise<void> {
  const config = { memory: { size_bytes: 268435456 }, boot: { kernel_path: '/assets/initrd' } };
  await mkdir(join(imagesDir, 'tiny'));
  await writeFile(join(imagesDir, 'tiny', 'image.json'), JSON.stringify({ name: 'tiny', config }));
}

describe('the machines', () => {
  const { site } = useSite();

  it('are made by a form that says what is wrong, and their console is read', async () => {
    await offerImage(site());
    await using tab = await chromium.open(site(), { path: '/machines' });
    tab.expectProblem(/status of 400/);
    const { page } = tab;
    await page.getByRole('button', { name: 'Create machine' }).first().click();
    const form = page.getByRole('dialog', { name: 'Create a machine' });
    await form.getByRole('button', { name: 'Create' }).click();
    await form.getByText('Say whose machine it is.').waitFor();
    await form.getByLabel('Customer').fill('123');
    await form.getByLabel('Name').fill('shop-1');
    // An image says what it starts from, and nothing of that is asked.
    await form.getByLabel('Made of').selectOption('The image tiny');
    assert.equal(await form.getByLabel('Boot disk').count(), 0);
    assert.equal(await form.getByLabel('Memory').inputValue(), '256');
    await form.getByLabel('Made of').selectOption('A disk or kernel of your own');
    await form.getByLabel('Boot disk').fill('/assets/nothing.img');
    await form.getByText('Show as request').click();
    await form.getByText('"path_on_host": "/assets/nothing.img"').waitFor();
    await form.getByRole('button', { name: 'Create' }).click();
    // The server's own words, at the field that it means.
    const note = form.locator('.field', { has: page.getByLabel('Boot disk') }).getByRole('alert');
    await note.getByText(/config\.storage/).waitFor();
    await form.getByLabel('Boot disk').fill('/assets/rootfs.ext4');
    await page.keyboard.press('Enter');

    await page.getByRole('heading', { name: 'shop-1', level: 1 }).waitFor();
    await page.getByText('Running', { exact: true }).waitFor();
    await page.getByRole('tab', { name: 'Console' }).click();
    const console = page.getByRole('region', { name: 'Console of shop-1' });
    const id = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    assert.ok(isMachineId(id));
    await console.getByText(`booted ${id}`).waitFor();
    site().host.print(id, '[\u001B[32m OK \u001B[0m] up\r\nshop-1 login: <b>\u001B]0;title\u0007');
    await console.getByText('shop-1 login: <b>', { exact: true }).waitFor();
    assert.equal(await console.getByText('OK').getAttribute('data-colour'), 'green');
    assert.doesNotMatch(page.url(), /ask=/);
  });

  it('are told what their state allows, and are interrupted only when one is sure', async () => {
    const id = await createMachine(site(), 'db-1');
    await using tab = await chromium.open(site(), { path: `/machines/${id}` });
    tab.expectProblem(/status of 404/);
    const { page } = tab;
    const button = (name: string) => page.getByRole('button', { name, exact: true });
    await button('Boot').click();
    await button('Pause').click();
    await page.getByText('Paused', { exact: true }).waitFor();
    assert.equal(await button('Reboot').count(), 0);
    await button('Resume').click();
    await button('Shut down').click();
    await page.waitForURL('**?ask=shutdown');
    const dialog = page.getByRole('dialog', { name: 'Shut down db-1?' });
    await dialog.getByRole('button', { name: 'Shut down' }).click();
    await page.getByText('db-1 was shut down').waitFor();
    await dialog.waitFor({ state: 'detached' });

    // Somebody else boots it: the page hears of it.
    await call(site(), 'BootVm', { vm_id: id });
    await button('Reboot').waitFor();
    await page.getByRole('tab', { name: 'Events' }).click();
    const events = page.getByRole('table', { name: 'Events' });
    await events.getByText('Shut down → Running').waitFor();
    await events.getByText('created on request').waitFor();

    await button('Actions of db-1').click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    const sure = page.getByRole('dialog', { name: 'Delete db-1?' });
    assert.equal(await sure.getByRole('button', { name: 'Delete' }).isDisabled(), true);
    await sure.getByLabel(`Type ${id} to confirm`).fill(id);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/machines');
    await page.getByText('db-1 was deleted').waitFor();
    await page.getByRole('link', { name: 'db-1' }).waitFor({ state: 'detached' });
  });

  it('are filtered and ordered by the address, and followed as they change', async () => {
    for (const name of ['mail', 'web-1', 'web-2']) {
      const id = await createMachine(site(), name);
      if (name === 'web-2') await call(site(), 'BootVm', { vm_id: id });
    }
    await using tab = await chromium.open(site(), { path: '/machines?q=web&sort=-name' });
    const { page } = tab;
    const table = page.getByRole('table', { name: 'Machines' });
    const links = table.getByRole('link');
    await table.getByText('web-1').waitFor();
    assert.deepEqual(await links.allTextContents(), ['web-2', 'web-1']);
    await page.getByRole('combobox', { name: 'State' }).selectOption('running');
    await page.waitForURL('**/machines?q=web&state=running&sort=-name');
    assert.deepEqual(await links.allTextContents(), ['web-2']);

    await page.getByRole('searchbox', { name: 'Filter machines' }).press('Escape');
    await page.getByRole('combobox', { name: 'State' }).selectOption('');
    for (const name of ['from-elsewhere', 'and-another']) {
      await createMachine(site(), name);
      await table.getByText(name).waitFor();
    }
  });

  it('are told several at once, and each only what it allows', async () => {
    await using tab = await chromium.open(site(), { path: '/machines?q=web' });
    const { page } = tab;
    await page.getByRole('checkbox', { name: 'Select all' }).click();
    const bulk = page.getByRole('group', { name: '2 machines selected' });
    await bulk.getByRole('button', { name: 'Boot 1', exact: true }).click();
    await page.getByText('web-1 was booted').waitFor();
    await page.getByRole('checkbox', { name: 'Select all' }).click();
    await bulk.getByRole('button', { name: 'Delete 2' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete 2 machines?' });
    await dialog.getByLabel('Type 2 to confirm').fill('2');
    await dialog.getByRole('button', { name: 'Delete 2' }).click();
    await page.getByText('2 machines deleted').waitFor();
    await page.getByText('No machine fits').waitFor();
  });

  it('are in the palette, with what each allows', async () => {
    await using tab = await chromium.open(site(), { path: '/machines', size: PHONE });
    const { page } = tab;
    await page.getByRole('link', { name: 'mail' }).waitFor();
    await page.keyboard.press('Control+k');
    const field = page.getByRole('combobox', { name: 'Search or run a command' });
    await field.fill('boot mail');
    await page.getByRole('option', { name: /^Boot mail/, selected: true }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('mail was booted').waitFor();
    await page.keyboard.press('Control+k');
    await field.fill('console of mail');
    await page.getByRole('option', { name: /^Console of mail/, selected: true }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'Console of mail' }).getByText('booted').waitFor();
  });

  it('show who may only read no way to change anything', async () => {
    const { stores } = site().server.context;
    const tokens = new TokenService({ store: stores.tokens, clock: systemClock });
    const wanted = { name: 'board', customerId: '123', scope: 'read-only' } as const;
    const { secret } = await tokens.createToken(wanted);
    await using tab = await chromium.open(site(), { path: '/machines', token: secret });
    const { page } = tab;
    await page.getByRole('link', { name: 'mail' }).click();
    await page.getByRole('heading', { name: 'mail', level: 1 }).waitFor();
    await page.getByText('read only').waitFor();
    for (const name of ['Shut down', 'Pause', 'Actions of mail', 'Create machine']) {
      assert.equal(await page.getByRole('button', { name }).count(), 0, name);
    }
    await page.getByRole('link', { name: 'Machines' }).first().click();
    await page.getByRole('table', { name: 'Machines' }).waitFor();
    assert.equal(await page.getByRole('checkbox').count(), 0);
  });
});
