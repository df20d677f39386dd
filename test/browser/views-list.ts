/** Every view of a full site, with what lies over it, and when it is there. */
import type { Page } from 'playwright-core';
import type { FullSite } from './full-site.ts';

export interface Seen {
  readonly name: string;
  readonly path: string;
  /** Is there when the view is. */
  readonly until: readonly [role: Parameters<Page['getByRole']>[0], name: string | RegExp];
  /** Opens what lies over it. */
  readonly open?: (page: Page) => Promise<void>;
}

export function views({ machineId, jobId, scheduleId }: FullSite): readonly Seen[] {
  const machine = `/machines/${machineId}`;
  return [
    { name: 'overview', path: '/', until: ['link', 'Rack 1'] },
    { name: 'server', path: '/servers/rack-1?range=5m', until: ['table', 'Top processes'] },
    { name: 'server-proxmox', path: '/servers/pve1', until: ['table', 'Guests'] },
    { name: 'machines', path: '/machines', until: ['link', 'shop-db-1'] },
    { name: 'machine', path: `${machine}?range=5m`, until: ['figure', /CPU/] },
    { name: 'machine-console', path: `${machine}?tab=console`, until: ['region', /Console of/] },
    {
      name: 'machine-configuration',
      path: `${machine}?tab=configuration`,
      until: ['tabpanel', /./],
    },
    { name: 'machine-events', path: `${machine}?tab=events`, until: ['table', 'Events'] },
    { name: 'migrations', path: '/migrations', until: ['link', 'missing'] },
    { name: 'migration', path: `/migrations/${jobId}`, until: ['progressbar', /./] },
    { name: 'migration-new', path: '/migrations/new?source=file', until: ['checkbox', /ledger/] },
    { name: 'migration-sources', path: '/migrations/sources', until: ['table', 'Connections'] },
    { name: 'schedules', path: '/migrations/schedules', until: ['link', 'nightly'] },
    { name: 'schedule', path: `/migrations/schedules/${scheduleId}`, until: ['table', 'History'] },
    { name: 'webhooks', path: '/alerts/webhooks', until: ['table', 'Webhooks'] },
    { name: 'workers', path: '/workers?app=talker', until: ['log', 'Log of talker'] },
    { name: 'workers-all', path: '/workers?tab=workers', until: ['table', 'Workers'] },
    { name: 'alerts', path: '/alerts', until: ['link', 'memory-used-at-all'] },
    { name: 'alerts-rules', path: '/alerts?tab=rules', until: ['table', 'Rules'] },
    { name: 'alerts-silences', path: '/alerts?tab=silences', until: ['button', 'End'] },
    { name: 'settings', path: '/settings', until: ['table', 'Servers'] },
    { name: 'settings-tokens', path: '/settings?tab=tokens', until: ['button', /token/] },
    { name: 'settings-connections', path: '/settings?tab=connections', until: ['link', 'lab'] },
    { name: 'settings-about', path: '/settings?tab=about', until: ['table', 'Checks'] },
    { name: 'components', path: '/dev/components', until: ['figure', 'CPU'] },
    { name: 'nothing', path: '/nothing/here', until: ['link', 'Go to the overview'] },
    ...overlays(machine, `/migrations/schedules/${scheduleId}`),
  ];
}

function overlays(machine: string, schedule: string): readonly Seen[] {
  return [
    {
      name: 'dialog-token',
      path: '/settings?tab=tokens&dialog=new',
      until: ['dialog', 'New token'],
    },
    { name: 'dialog-schedule', path: `${schedule}?ask=edit`, until: ['dialog', 'Change nightly'] },
    {
      ...{ name: 'dialog-connection', path: '/settings?tab=connections', until: ['link', 'lab'] },
      open: async (page) => {
        await page.getByRole('button', { name: 'Add connection' }).click();
        await page.getByRole('dialog', { name: 'Add a connection' }).waitFor();
      },
    },
    {
      ...{
        name: 'migration-options',
        path: '/migrations/new?source=file',
        until: ['checkbox', /ledger/],
      },
      open: async (page) => {
        await page.getByText('More options').click();
        await page.getByLabel('Disks at a time').waitFor();
      },
    },
    { name: 'dialog-machine', path: '/machines?create=1', until: ['dialog', 'Create a machine'] },
    { name: 'dialog-rule', path: '/alerts?tab=rules&rule=new', until: ['dialog', 'New rule'] },
    { name: 'dialog-server', path: '/settings?dialog=pve1', until: ['dialog', 'Change pve1'] },
    { name: 'dialog-confirm', path: `${machine}?ask=shutdown`, until: ['dialog', /^Shut down/] },
    {
      ...{ name: 'dialog-silence', path: '/alerts', until: ['link', 'memory-used-at-all'] },
      open: async (page) => {
        await page.getByRole('button', { name: 'Silence…' }).first().click();
        await page.getByRole('dialog', { name: /^Silence/ }).waitFor();
      },
    },
    {
      ...{ name: 'menu', path: '/machines', until: ['link', 'shop-db-1'] },
      open: async (page) => {
        await page.getByRole('button', { name: 'Actions of shop-web-1' }).click();
        await page.getByRole('menu').waitFor();
      },
    },
    {
      ...{ name: 'palette', path: '/workers', until: ['table', 'Apps'] },
      open: async (page) => {
        await page.keyboard.press('Control+k');
        await page.getByRole('combobox').fill('shop');
        await page
          .getByRole('option', { name: /shop-db-1/ })
          .first()
          .waitFor();
      },
    },
  ];
}

/** Without loading the page again: as a click on a link does it. */
export async function show(page: Page, { path, until: [role, name], open }: Seen): Promise<void> {
  await page.evaluate(`history.pushState({}, '', ${JSON.stringify(path)})`);
  await page.getByRole(role, { name }).first().waitFor();
  await open?.(page);
}
