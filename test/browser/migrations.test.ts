/** VMs are moved from files to folders by the page: sent, chosen, checked, started, watched. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import type { TestServer } from '#test/drover-server.ts';
import { makeImage, makeOva, makePackage } from '#test/packages.ts';
import { useChromium, type Tab } from './chromium.ts';
import { openSite } from './site.ts';

const chromium = useChromium();
/** What a browser says of requests that are refused, as the tests want it. */
const REFUSED = /Failed to load resource/;

const BY_ADDRESS = 'A vCenter or host, by its address';
/** All that the page could have put somewhere. */
const KEPT = `location.href + JSON.stringify([localStorage, sessionStorage, history.state])`;
/** What a vCenter would say, as the API answers it. */
const VM = {
  ...{ name: 'web-1', path: 'DC0/vm/web-1', ref: 'vm-42', power_state: 'poweredOn' },
  ...{ num_cpu: 2, memory_mb: 2048, storage: 1e9, guest_os: null, template: false },
};
const VM_INFO = {
  ...{ ...VM, networks: [{ network: 'VM Network' }] },
  disks: [{ label: 'Hard disk 1', datastore: 'datastore1' }],
};

let directory: string;
let images: string;
let output: string;
let site: TestServer;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'drover-page-'));
  [images, output] = [join(directory, 'images'), join(directory, 'output')];
  await mkdir(images);
  const { files } = await makePackage(images, 'web');
  await makeOva(images, 'packed', files);
  await makeImage(images, 'db.vmdk');
  site = await openSite({ migration: { directories: [images, output] } });
});

after(async () => {
  await site[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

async function open(path: string): Promise<Tab> {
  return await chromium.open(site, { path });
}

/** Chooses the VM of a file, and a folder for it to go to. */
async function prepare(page: Page, file: string, folder: string): Promise<void> {
  const row = page.getByRole('row').filter({ hasText: file });
  await row.getByRole('checkbox').check();
  await page.getByLabel('Destination').selectOption('A folder');
  await page.getByRole('textbox', { name: 'Folder' }).fill(join(output, folder));
}

async function start(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Check', exact: true }).click();
  await page.getByRole('button', { name: 'Start migration' }).click();
  await page.getByRole('list', { name: 'Stages' }).waitFor();
}

describe('migrations', () => {
  it('begin with an empty list that says the next step', async () => {
    await using tab = await open('/migrations');
    const { page } = tab;
    await page.getByRole('heading', { name: 'No migrations yet' }).waitFor();
    // The server tells of changes by itself.
    await page.getByText('live', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'New migration' }).first().click();
    await page.getByRole('heading', { name: 'New migration', level: 1 }).waitFor();
    await page.getByText('Choose at least one VM above.').waitFor();
    const current = page.getByRole('navigation').locator('[aria-current="page"]');
    assert.deepEqual(await current.allInnerTexts(), ['Migrations']);
  });

  it('are checked, and what stands in the way is put right before they start', async () => {
    await using tab = await open('/migrations/new');
    tab.expectProblem(REFUSED);
    const { page } = tab;
    await prepare(page, 'images/packed.ova', '../elsewhere');
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page
      .getByRole('listitem')
      .getByText(/is in none of the folders/)
      .waitFor();
    // And beside the field, which has the keyboard.
    const folder = page.getByRole('textbox', { name: 'Folder' });
    await folder.and(page.locator('[aria-invalid="true"]:focus')).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Start migration' }).count(), 0);
    await folder.fill(join(output, 'one'));
    await page.getByText('Something was changed since the check.').waitFor();
    await page.getByRole('button', { name: 'Check again' }).click();
    await page.getByRole('button', { name: 'Start migration' }).click();

    await page.getByRole('heading', { name: 'web', level: 1 }).waitFor();
    await page.getByText('Completed', { exact: true }).waitFor();
    await page.getByRole('progressbar', { name: 'Hard disk 1' }).waitFor();
    await page
      .getByRole('log', { name: 'Log' })
      .getByText(/reading the disks of web/)
      .waitFor();
    await page.getByRole('tab', { name: 'Result' }).click();
    await page.waitForURL(/tab=result/);
    await page.getByText(/disk_digests/).waitFor();
    const files = await readdir(join(output, 'one', 'web'));
    assert.ok(files.includes('SHA256SUMS'), files.join());
    // It has ended: nothing of it can be cancelled any more.
    assert.equal(await page.getByRole('button', { name: 'Cancel' }).count(), 0);
    await page.getByRole('button', { name: 'Forget' }).waitFor();
  });

  it('are slowed down, watched, cancelled and tried again', async () => {
    await using tab = await open('/migrations/new');
    const { page } = tab;
    await prepare(page, 'db.vmdk', 'slow');
    await page.getByLabel('Bandwidth limit').fill('0.3');
    await start(page);
    await page.getByRole('heading', { name: 'Copying disks' }).waitFor();
    await page.getByText('Running', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Limit bandwidth' }).click();
    const limit = page.getByRole('dialog', { name: 'Limit the bandwidth of db' });
    await limit.getByLabel('At most').fill('0.4');
    await limit.getByRole('button', { name: 'Set limit' }).click();
    await page.getByText('410 KiB/s').waitFor();

    await page.getByRole('button', { name: 'Cancel' }).click();
    const confirm = page.getByRole('dialog', { name: 'Cancel the migration of db?' });
    await confirm.getByRole('button', { name: 'Cancel migration' }).click();
    await page.getByText('Cancelled', { exact: true }).waitFor();
    assert.deepEqual(await readdir(join(output, 'slow')).catch(() => []), []);

    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('Running', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Limit bandwidth' }).click();
    await limit.getByLabel('At most').fill('');
    await limit.getByRole('button', { name: 'Set limit' }).click();
    await page.getByText('Completed', { exact: true }).waitFor();
  });

  it('are listed by state, filtered, sorted and forgotten', async () => {
    await using tab = await open('/migrations');
    const { page } = tab;
    const table = page.getByRole('table', { name: 'Migrations' });
    await table.getByRole('link', { name: 'db' }).waitFor();
    await page.getByRole('searchbox', { name: 'Filter migrations' }).fill('packed');
    await table.getByRole('link', { name: 'db' }).waitFor({ state: 'detached' });
    await page.getByRole('tab', { name: 'Completed' }).click();
    await page.waitForURL(/state=completed/);
    assert.match(page.url(), /q=packed/);
    await page.getByRole('button', { name: 'Actions of web' }).click();
    await page.getByRole('menuitem', { name: 'Forget' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Forget' }).click();
    await table.getByRole('link', { name: 'web' }).waitFor({ state: 'detached' });
    await page.getByRole('tab', { name: 'Failed' }).click();
    await page.getByRole('heading', { name: 'No migrations like that' }).waitFor();
  });

  it('start from files that are sent here', async () => {
    await using tab = await open('/migrations/sources');
    const { page } = tab;
    await page.getByLabel('Send files').setInputFiles(join(images, 'packed.ova'));
    const table = page.getByRole('table', { name: 'Files sent here' });
    await table.getByRole('link', { name: 'packed.ova' }).click();
    await page.waitForURL(/source=file/);
    await prepare(page, '/uploads/packed.ova', 'sent');
    await start(page);
    await page.getByText('Completed', { exact: true }).waitFor();
  });

  it('come from connections, which are told what is wrong with them', async () => {
    await using tab = await open('/migrations/sources');
    tab.expectProblem(REFUSED);
    const { page } = tab;
    await page.getByRole('button', { name: 'Add connection' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a connection' });
    await dialog.getByLabel('Name', { exact: true }).fill('lab');
    await dialog.getByLabel('Address').fill('127.0.0.1:1');
    await dialog.getByLabel('User').fill('ada');
    await dialog.getByRole('button', { name: 'Save and test' }).click();
    await dialog.getByText(/password: is missing/).waitFor();
    await dialog.getByLabel('Password').fill('secret');
    await dialog.getByLabel('Certificate').selectOption('Any (dangerous)');
    await dialog.getByRole('button', { name: 'Save and test' }).click();
    const table = page.getByRole('table', { name: 'Connections' });
    await table.getByRole('link', { name: 'lab' }).waitFor();
    await table.getByText('Not checked').waitFor();
    await page
      .getByRole('log')
      .getByText(/127\.0\.0\.1:1/)
      .waitFor();
    await page.getByRole('button', { name: 'Actions of lab' }).click();
    await page.getByRole('menuitem', { name: 'Remove' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('heading', { name: 'No connections yet' }).waitFor();
  });
});

describe('the form of a migration', () => {
  it('offers what can be done here, and says what is wrong, and who was refused', async () => {
    await using tab = await open('/migrations/new');
    const { page } = tab;
    await prepare(page, 'images/packed.ova', 'relative');
    await page.getByRole('textbox', { name: 'Folder' }).fill('relative');
    await page.getByText('More options').click();
    await page.getByLabel('Disks at a time').fill('17');
    await page.getByText('More options').click();
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.getByText('Type in a folder by its whole path').waitFor();
    // What is wrong is unfolded.
    await page.getByText('Must be 1 to 16.').waitFor();
    await page.getByText('Looks at the source and the destination.').waitFor();
    const methods = page.getByLabel('Read the disks by').getByRole('option');
    assert.deepEqual(await methods.allInnerTexts(), ['What suits best', 'Files']);
    await page.getByLabel('Source', { exact: true }).selectOption(BY_ADDRESS);
    const vddk = page.getByRole('option', { name: 'VDDK (not available here)' });
    assert.equal(await vddk.isDisabled(), true);
    await page.getByText(/^VDDK: .*nbdkit/).waitFor();

    await page.goto('/migrations/new');
    await prepare(page, 'images/packed.ova', 'many');
    await page.getByRole('row').filter({ hasText: 'db.vmdk' }).getByRole('checkbox').check();
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.route('**/jobs/submit', (route) =>
      route.fulfill({ status: 201, json: { job_ids: ['j-1'], errors: ['jobs[1]: no room'] } }),
    );
    await page.getByRole('button', { name: 'Start 2 migrations' }).click();
    await page.getByText('1 migration submitted, 1 refused.').waitFor();
    const refused = page.getByRole('alert').getByRole('listitem').filter({ hasText: 'no room' });
    await refused.getByRole('heading', { name: /^(db|web)$/ }).waitFor();
    await page.getByRole('link', { name: 'Show those that were submitted' }).waitFor();
  });

  it('takes a login for this once, keeps it out of sight, and offers to save it', async () => {
    await using tab = await open('/migrations/new?source=address');
    tab.expectProblem(REFUSED);
    const { page } = tab;
    const login = page.getByRole('form', { name: BY_ADDRESS });
    await login.getByLabel('User').fill('ada');
    await login.getByLabel('Password').fill('hunter2');
    await login.getByRole('button', { name: 'List its VMs' }).click();
    await login.getByText(/vcenter_url: must be/).waitFor();
    await login.getByLabel('Address').fill('127.0.0.1:1');
    const asked: unknown[] = [];
    await page.route('**/vms/*', async (route) => {
      asked.push(route.request().postDataJSON());
      const isList = route.request().url().endsWith('/vms/list');
      await route.fulfill({ json: isList ? { vms: [VM] } : VM_INFO });
    });
    await login.getByRole('button', { name: 'List its VMs' }).click();
    await page.getByRole('row', { name: /web-1/ }).getByRole('checkbox').check();
    assert.deepEqual(asked[0], {
      ...{ vcenter_url: '127.0.0.1:1', username: 'ada', password: 'hunter2' },
    });
    await page.getByLabel('Destination').selectOption('A KVM host (libvirt)');
    await page.getByRole('region', { name: 'Networks' }).getByLabel('VM Network').fill('br0');
    await page.getByRole('region', { name: 'Storage' }).getByLabel('datastore1').fill('ssd');
    await page.getByLabel('If the VM is running').selectOption('Ask its guest to shut down');
    await page.getByLabel('Time to shut down').fill('60');
    const sent = page.waitForRequest('**/jobs/preflight');
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    assert.partialDeepStrictEqual((await sent).postDataJSON(), {
      ...{ vm_path: 'DC0/vm/web-1', source: { vcenter_url: '127.0.0.1:1', username: 'ada' } },
      options: {
        ...{ network_mapping: { 'VM Network': 'br0' }, storage_mapping: { datastore1: 'ssd' } },
        ...{ power: 'shutdown', shutdown_timeout: 60 },
      },
    });
    assert.equal(await page.getByRole('button', { name: 'On a schedule…' }).isDisabled(), true);
    const kept = await page.evaluate<string>(KEPT);
    assert.doesNotMatch(kept, /hunter2/);

    await login.getByRole('button', { name: 'Save as a connection…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a connection' });
    assert.equal(await dialog.getByLabel('User').inputValue(), 'ada');
    await dialog.getByLabel('Name', { exact: true }).fill('lab');
    await dialog.getByRole('button', { name: 'Save and test' }).click();
    await page.waitForURL(/source=connection%3Alab/);
    assert.match(await page.getByLabel('Source', { exact: true }).inputValue(), /lab/);
    await fetch(new URL('/connections/lab', site.url), { method: 'DELETE' });
  });
});

/** Of the login that is typed into the text of a schedule, with the page of one shown. */
async function keepsSecretsOutOfSight(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Edit' }).click();
  const dialog = page.getByRole('dialog', { name: 'Change nightly' });
  const text = dialog.getByLabel('Migration (JSON)');
  const source = { type: 'vsphere', vcenter_url: 'vc.lab', username: 'ada', password: 'hunter2' };
  const destination = { type: 'file', directory: join(output, 'scheduled') };
  await text.fill(JSON.stringify({ vm_path: 'DC0/vm/web-1', source, destination }));
  const looks = 'getComputedStyle(document.activeElement).webkitTextSecurity';
  assert.equal(await page.evaluate(looks), 'disc');
  const password = dialog.getByLabel('Password at the source');
  await password.focus();
  assert.equal(await password.inputValue(), 'hunter2');
  assert.equal(await password.getAttribute('type'), 'password');
  assert.doesNotMatch(await text.inputValue(), /hunter2/);
  const sent = page.waitForRequest((request) => request.method() === 'PUT');
  await dialog.getByRole('button', { name: 'Save' }).click();
  assert.deepEqual((await sent).postDataJSON(), {
    job_template: { vm_path: 'DC0/vm/web-1', source, destination },
  });
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('https://vc.lab/sdk').first().waitFor();
  assert.doesNotMatch(await page.evaluate<string>(KEPT), /hunter2/);
  assert.doesNotMatch(await page.content(), /hunter2/);
  await page.getByRole('button', { name: 'Edit' }).click();
  // There is one, which nobody is shown.
  assert.equal(await password.inputValue(), '');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
}

describe('schedules', () => {
  it('are made of a migration, run, changed and deleted', async () => {
    await using tab = await open('/migrations/new');
    tab.expectProblem(REFUSED);
    const { page } = tab;
    await prepare(page, 'images/packed.ova', 'scheduled');
    await page.getByRole('button', { name: 'On a schedule…' }).click();
    const dialog = page.getByRole('dialog', { name: 'A migration on a schedule' });
    await dialog.getByLabel('Name').fill('nightly');
    await dialog.getByLabel('When').fill('61 * * * *');
    await dialog.getByText(/the minute must be 0 to 59/).waitFor();
    await dialog.getByLabel('When').fill('30 2 * * 1-5');
    await dialog.getByText(/Monday to Friday at 02:30/).waitFor();
    await dialog.getByLabel('Time zone').fill('Europe/Berlin');
    await dialog.getByText(/^Next: /).waitFor();
    await dialog.getByRole('button', { name: 'Save' }).click();

    await page.getByRole('heading', { name: 'nightly', level: 1 }).waitFor();
    const region = page.getByRole('region', { name: 'Next runs, by the clocks of Europe/Berlin' });
    await region.getByRole('listitem').filter({ hasText: '02:30' }).nth(4).waitFor();
    await page.getByRole('button', { name: 'Run now' }).click();
    const run = page.getByRole('dialog', { name: 'Run nightly now?' });
    await run.getByRole('button', { name: 'Run now' }).click();
    await run.waitFor({ state: 'detached' });
    const history = page.getByRole('table', { name: 'History' });
    await history.getByText('Completed').waitFor();

    await page.getByRole('button', { name: 'Edit' }).click();
    const change = page.getByRole('dialog', { name: 'Change nightly' });
    await change.getByLabel('When').fill('@every 6h');
    await change.getByRole('button', { name: 'Save' }).click();
    await page.getByText('every 6h').first().waitFor();
    await keepsSecretsOutOfSight(page);
    await page.getByRole('button', { name: 'Disable' }).click();
    await page.getByText('Disabled: it is due at no time.').waitFor();

    await page.getByRole('link', { name: 'Schedules' }).first().click();
    await page.getByRole('table', { name: 'Schedules' }).getByText('Disabled').waitFor();
    await page.getByRole('button', { name: 'Actions of nightly' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'No schedules yet' }).waitFor();
  });
});
