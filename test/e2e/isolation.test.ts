/** What one customer cannot name, see or touch of another's, with real files and real guests. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';

import { ask, CUSTOMER, OTHER_CUSTOMER, type Answer, type Json } from '#test/api-client.ts';
import {
  bearer,
  createDemo,
  demoConfig,
  machinesClient,
  refused,
  runDemo,
  stateOf,
} from '#test/demo-vm.ts';
import { customerDir, DroverHost } from '#test/drover-host.ts';

const run = promisify(execFile);
const MIB = 1024 * 1024;

async function writeDisk(path: string): Promise<string> {
  await writeFile(path, Buffer.alloc(MIB, 1));
  await chmod(path, 0o666);
  return path;
}

function withDisk(path: string): Json {
  return demoConfig({ disks: [{ device_id: 'data', path_on_host: path }] });
}

/** The whole answer, but for the details in base64, which hold the id that was asked for. */
function withoutBinary({ status, text }: Answer): string {
  return `${status} ${text.replaceAll(/"value":"[^"]*"/g, '')}`;
}

describe('a path in a request', () => {
  it('that leads to a disk of another customer is refused as one that leads nowhere', async (t) => {
    const host = await DroverHost.start(t);
    const secret = await writeDisk(join(await customerDir(host, '123'), 'secret.img'));
    const own = await customerDir(host, 'other');
    await symlink(secret, join(own, 'link.img'));
    await symlink('../123', join(own, 'folder'));
    await run('qemu-img', [
      ...['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', secret],
      join(own, 'on-top.qcow2'),
    ]);
    const paths = [
      '/assets/customers/123/secret.img',
      '/assets/customers/other/../123/secret.img',
      '/assets/demo/../customers/./123//secret.img',
      '/assets/customers/other/link.img',
      '/assets/customers/other/folder/secret.img',
      '/assets/customers/other/on-top.qcow2',
      '/assets/customers/123/missing.img',
      '/assets/customers/nobody/secret.img',
      secret,
    ];
    for (const path of paths) {
      const config = withDisk(path);
      const error = await refused(host, 'CreateVm', { config }, OTHER_CUSTOMER);
      assert.equal(error.code, 'invalid_argument', path);
      assert.match(error.message, /outside the image directories/, path);
    }
    const mine = await ask(host, 'CreateVm', { config: withDisk(paths[0] ?? '') }, CUSTOMER);
    assert.equal(mine.state, 'VM_STATE_CREATED');
  });

  it('that leads out of the image directories is refused, whether or not it exists', async (t) => {
    const host = await DroverHost.start(t);
    const place = join(host.imagesDir, 'customers', 'other');
    await mkdir(place, { recursive: true });
    const escape = join(place, 'passwd.img');
    await rm(escape, { force: true });
    await symlink('/etc/passwd', escape);
    const message = new Set<string>();
    for (const path of [
      '/etc/passwd',
      '/etc/there-is-no-such-file',
      '/assets/../../../../etc/passwd',
      '/assets/customers/other/passwd.img',
      '/dev/null',
      '/dev/vda',
      '/proc/self/environ',
      join(host.dataDir, 'drover.db'),
    ]) {
      const disk = await refused(host, 'CreateVm', { config: withDisk(path) }, OTHER_CUSTOMER);
      assert.equal(disk.code, 'invalid_argument', path);
      message.add(disk.message.replace(path, 'PATH'));
      const config = demoConfig();
      config.boot.kernel_path = path;
      const kernel = await refused(host, 'CreateVm', { config }, OTHER_CUSTOMER);
      assert.equal(kernel.code, 'invalid_argument', path);
      message.add(kernel.message.replace(path, 'PATH').replace('boot.kernel_path', 'FIELD'));
    }
    assert.equal(message.size, 2, [...message].join('\n'));
  });

  it('that leads to something else than a file is refused', async (t) => {
    const host = await DroverHost.start(t);
    const place = await customerDir(host, 'other');
    const pipe = join(place, 'pipe.img');
    await rm(pipe, { force: true });
    await run('mkfifo', [pipe]);
    for (const path of ['/assets/demo', '/assets/customers/other/pipe.img', 'demo/vmlinuz', '']) {
      const error = await refused(host, 'CreateVm', { config: withDisk(path) }, OTHER_CUSTOMER);
      assert.equal(error.code, 'invalid_argument', path);
    }
  });

  it('to a shared disk cannot be written to directly', async (t) => {
    const host = await DroverHost.start(t);
    await writeDisk(join(host.imagesDir, 'common.img'));
    const options = { write_mode: 'direct' };
    const disks = [{ device_id: 'data', path_on_host: '/assets/common.img', options }];
    await assert.rejects(createDemo(host, { disks }), /invalid_argument.*write_mode/);
  });
});

describe('a running machine of another customer', () => {
  it('cannot be seen, read, watched or touched', async (t) => {
    const host = await DroverHost.start(t);
    const vmId = await runDemo(host);
    const body = { vm_id: vmId };
    const calls: [string, Json][] = [
      ...['GetVmInfo', 'BootVm', 'PauseVm', 'ResumeVm', 'RebootVm', 'ShutdownVm'].map(
        (method): [string, Json] => [method, body],
      ),
      ['ShutdownVm', { ...body, force: true }],
      ['DeleteVm', { ...body, force: true }],
    ];
    for (const [method, request] of calls) {
      const error = await refused(host, method, request, OTHER_CUSTOMER);
      const absent = { ...request, vm_id: 'vm_absent' };
      const missing = await refused(host, method, absent, OTHER_CUSTOMER);
      assert.equal(withoutBinary(error).replaceAll(vmId, 'vm_absent'), withoutBinary(missing));
    }
    assert.deepEqual((await ask(host, 'ListVms', {}, OTHER_CUSTOMER)).vms, []);
    const clash = { vm_id: vmId, config: demoConfig() };
    assert.equal((await refused(host, 'CreateVm', clash, OTHER_CUSTOMER)).code, 'already_exists');

    const stranger = { ...bearer(OTHER_CUSTOMER), signal: AbortSignal.timeout(1000) };
    const machines = machinesClient(host);
    const console = machines.console({ vmId, offset: 0n, follow: true }, stranger);
    await assert.rejects(Array.fromAsync(console), /not found or not owned/);
    // The stranger sees nothing of it until its second is over.
    const events: unknown[] = [];
    const watching = (async () => {
      for await (const event of machines.watch({ afterEventId: 0n }, stranger)) events.push(event);
    })();
    await ask(host, 'PauseVm', body);
    await assert.rejects(watching);
    assert.deepEqual(events, []);
    assert.equal(await stateOf(host, vmId), 'VM_STATE_PAUSED');
  });
});
