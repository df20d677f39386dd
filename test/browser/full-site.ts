/**
 * A site with something in every view, as an installation has it after a week: servers that are
 * well and that are not, machines in every state, migrations that run, failed and are done, a
 * schedule, webhooks that are taken and refused, an app with its worker, rules that fire.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMachineId } from '#kernel/ids.ts';
import { appArchive } from '#test/app-fixture.ts';
import type { TestServer } from '#test/drover-server.ts';
import { someBytes } from '#test/disks/generated-disk.ts';
import { openServer } from '#test/loopback-server.ts';
import { makeImage } from '#test/packages.ts';
import { PROXMOX_TOKEN, ProxmoxDouble } from '#test/proxmox-double.ts';
import { QDRANT_KEY, QdrantDouble } from '#test/qdrant-double.ts';
import { openSite } from './site.ts';

export interface FullSite extends AsyncDisposable {
  readonly site: TestServer;
  /** One that runs, has a console, and went through several states. */
  readonly machineId: string;
  /** One that copies, slowly. */
  readonly jobId: string;
  readonly scheduleId: string;
}

type Answer = Readonly<Record<string, string>>;

/** A port of loopback that nobody listens on. */
const NOBODY = 'http://127.0.0.1:9';
const MIB = 1024 ** 2;
const TALKER = `console.log('listening for work');
console.warn('no cache is configured, so every answer is made anew');
export default { fetch: () => new Response('hello') };`;
const BOOT_LOG =
  '[    0.000000] Linux version 6.12.48-cloud-amd64 (debian-kernel@lists.debian.org)\r\n' +
  '[    0.612345] virtio_blk virtio0: [vda] 4194304 512-byte logical blocks (2.15 GB)\r\n' +
  '[\u001B[32m  OK  \u001B[0m] Reached target network-online.target - Network is Online.\r\n' +
  '[\u001B[33m WARN \u001B[0m] \u001B[1mssh.service\u001B[0m: took longer than it should\r\n' +
  '[\u001B[31mFAILED\u001B[0m] Failed to start smartd.service\r\n\r\nshop-db-1 login: ';

export async function openFullSite(): Promise<FullSite> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'drover-full-'));
  stack.defer(() => rm(directory, { recursive: true }));
  const images = join(directory, 'images');
  await mkdir(images);
  await makeImage(images, 'ledger.vmdk');
  await writeFile(join(images, 'archive.img'), someBytes(3, 16 * MIB));
  const site = stack.use(
    await openSite({ migration: { directories: [images, join(directory, 'output')] } }),
  );
  await addServers(site, stack);
  await addConnection(site);
  const machineId = await addMachines(site);
  await addWebhooks(site, stack);
  const migrated = await addMigrations(site, images, join(directory, 'output'));
  await addApp(site);
  await addRules(site);
  const closing = stack.move();
  return {
    ...{ site, machineId, ...migrated },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

async function send(site: TestServer, path: string, body: object | Buffer): Promise<Answer> {
  const isBytes = Buffer.isBuffer(body);
  const answer = await fetch(new URL(path, site.url), {
    method: 'POST',
    headers: {
      'content-type': isBytes ? 'application/octet-stream' : 'application/json',
      authorization: 'Bearer dev_operator',
    },
    body: isBytes ? new Uint8Array(body) : JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${path}: ${answer.status} ${text}`);
  return JSON.parse(text || '{}') as Answer;
}

async function addServers(site: TestServer, stack: AsyncDisposableStack): Promise<void> {
  const proxmox = stack.use(await ProxmoxDouble.open());
  const qdrant = stack.use(await QdrantDouble.open());
  const servers = [
    { id: 'rack-1', name: 'Rack 1', roles: ['ai'], sources: [{ kind: 'local' }] },
    {
      ...{ id: 'pve1', name: 'Proxmox of the lab', roles: ['app'] },
      sources: [{ kind: 'proxmox', url: proxmox.url, node: 'pve1', secret: PROXMOX_TOKEN }],
    },
    {
      ...{ id: 'vectors', name: 'Vectors', roles: ['storage'] },
      sources: [{ kind: 'qdrant', url: qdrant.url, secret: QDRANT_KEY }],
    },
    {
      ...{ id: 'cellar-1', name: 'Cellar', roles: ['any'] },
      sources: [{ kind: 'exporter', url: NOBODY }],
    },
  ];
  for (const server of servers) await send(site, '/api/v1/servers', server);
}

async function addConnection(site: TestServer): Promise<void> {
  await send(site, '/connections', {
    ...{ name: 'lab', vcenter_url: '127.0.0.1:9', username: 'ada', password: 'a secret' },
    insecure: true,
  });
}

async function addMachines(site: TestServer): Promise<string> {
  const call = async (method: string, body: object) =>
    (await send(site, `/vmprovisioner.v1.VmService/${method}`, body))['vm_id'] ?? '';
  const ids = new Map<string, string>();
  const names = [
    ...['shop-db-1', 'shop-web-1', 'shop-web-2', 'mail'],
    'a-machine-with-a-name-that-somebody-wrote-in-full',
  ];
  for (const [at, name] of names.entries()) {
    const id = await call('CreateVm', {
      customer_id: at < 3 ? '123' : '456',
      config: {
        cpu: { vcpu_count: 1 + (at % 4) },
        memory: { size_bytes: (256 << at) * MIB },
        boot: { boot_options: { firmware: 'bios' } },
        storage: [{ id: 'rootfs', path: '/assets/rootfs.ext4', is_root_device: true }],
        metadata: { name },
      },
    });
    ids.set(name, id);
  }
  const idOf = (name: string) => ids.get(name) ?? assert.fail(`there is no machine ${name}`);
  for (const name of names.slice(0, 3)) await call('BootVm', { vm_id: idOf(name) });
  await call('PauseVm', { vm_id: idOf('shop-web-2') });
  const first = idOf('shop-db-1');
  await call('ShutdownVm', { vm_id: first });
  await call('BootVm', { vm_id: first });
  assert.ok(isMachineId(first));
  site.host.print(first, BOOT_LOG);
  return first;
}

async function addWebhooks(site: TestServer, stack: AsyncDisposableStack): Promise<void> {
  const receiver = stack.use(
    await openServer((request, response) => {
      response.writeHead(request.url === '/refused' ? 500 : 204).end();
    }),
  );
  const secret = 'a secret of thirty-two characters';
  await send(site, '/webhooks', { url: `${receiver.url}/refused`, events: ['job.failed'] });
  const types = { event_types: ['threshold_violation', 'metrics'] };
  await send(site, '/api/v1/webhooks', { url: `${receiver.url}/taken`, secret, ...types });
}

interface Migrated {
  readonly jobId: string;
  readonly scheduleId: string;
}

async function addMigrations(site: TestServer, images: string, output: string): Promise<Migrated> {
  const job = (name: string, more: object = {}) => ({
    name,
    ...{ vm_path: 'ledger.vmdk', source: { type: 'file', path: images } },
    destination: { type: 'file', directory: join(output, name) },
    ...more,
  });
  await send(site, '/jobs/submit', job('ledger'));
  await send(site, '/jobs/submit', job('missing', { vm_path: 'nothing-of-that-name.vmdk' }));
  const slow = job('ledger-slow', {
    ...{ vm_path: 'archive.img', options: { bandwidth_limit: 64 * 1024 } },
  });
  const { job_ids: [jobId = ''] = [] } = (await send(site, '/jobs/submit', slow)) as {
    readonly job_ids?: readonly string[];
  };
  const { schedule } = (await send(site, '/schedules', {
    ...{ name: 'nightly', schedule: '30 2 * * 1-5', timezone: 'Europe/Berlin' },
    ...{ description: 'The ledger, to the folder of copies', job_template: job('copy') },
  })) as { readonly schedule?: Answer };
  const scheduleId = schedule?.['id'] ?? assert.fail('there is no schedule');
  await send(site, `/schedules/${scheduleId}/trigger`, {});
  return { jobId, scheduleId };
}

async function addApp(site: TestServer): Promise<void> {
  for (const version of ['1.0.0', '1.1.0']) {
    const archive = await appArchive('talker', version, {
      ...{ manifest: { access: 'public', entrypoint: 'main.ts' }, files: { 'main.ts': TALKER } },
    });
    await send(site, '/api/v1/apps', archive);
  }
  assert.equal((await fetch(`${site.url}/apps/talker/`)).status, 200);
}

/** One fires at once, another is silenced, a third has nothing to look at. */
async function addRules(site: TestServer): Promise<void> {
  const always = { metric: 'drover_memory_used_percent', comparison: '>', value: 0, for: '0s' };
  const rules = [
    { name: 'memory-used-at-all', severity: 'critical', ...always },
    { name: 'known-for-long', severity: 'warning', ...always },
    { ...always, name: 'of-nothing', severity: 'info', metric: 'no_such_metric', value: 1 },
  ];
  for (const rule of rules) await send(site, '/api/v1/rules', rule);
  await send(site, '/api/v1/silences', {
    ...{ match: ['rule="known-for-long"'], until: '4h', comment: 'a disk was ordered' },
  });
}
