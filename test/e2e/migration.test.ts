/**
 * A VM goes from vSphere to a real libvirtd, by a request to the API, and its guest boots there.
 * What stands for vSphere is govmomi's simulator; the disk in it is the demo guest's.
 */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openTestServer, type TestServer } from '#test/drover-server.ts';
import { LibvirtFixture } from '#test/libvirt/libvirt-fixture.ts';
import { makeDemoDisk } from '#test/vsphere/demo-disk.ts';
import { openVSphere, type VSphereFixture } from '#test/vsphere/open-vsphere.ts';

const METHODS = ['datastore', 'nfc'];
const READY = 'drover-demo ready: ';
const MIB = 1024 * 1024;

interface WireJob {
  readonly status: string;
  readonly error: string | null;
  readonly result: Readonly<Record<string, unknown>>;
  readonly progress: { readonly percent_complete: number };
}

function macOf(at: number): string {
  return `00:50:56:12:34:0${at}`;
}

let libvirt: LibvirtFixture;
let vsphere: VSphereFixture;
let server: TestServer;
let images: string;

before(async () => {
  libvirt = await LibvirtFixture.open();
  images = await libvirt.libvirtd.makeDirectory('migrated');
  const demo = await makeDemoDisk(libvirt.directory);
  vsphere = await openVSphere({
    vms: METHODS.map((method, at) => ({
      ...{ name: `web-${method}`, folder: 'Production', memoryMib: 256 },
      disks: [{ path: demo }],
      nics: [{ network: 'VM Network', mac: macOf(at) }],
    })),
  });
  server = await openTestServer({
    migration: { directories: [images], session: libvirt.libvirtd.environment },
    config: { hypervisor: { accelerator: 'tcg', kernelMachine: 'microvm', qemuUser: undefined } },
  });
});

after(async () => {
  await server[Symbol.asyncDispose]();
  await vsphere[Symbol.asyncDispose]();
  await libvirt[Symbol.asyncDispose]();
});

async function ask(path: string, body?: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${server.url}${path}`, {
    ...(body !== undefined && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${answer.status} ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

async function finish(id: unknown): Promise<WireJob> {
  for (;;) {
    const job = (await ask(`/jobs/${String(id)}`)) as Record<string, unknown> & WireJob;
    if (['completed', 'failed', 'cancelled'].includes(job.status)) return job;
    await delay(200);
  }
}

function requestFor(method: string): object {
  const { url, username, password, trust } = vsphere.login;
  return {
    vm_path: `DC0/vm/Production/web-${method}`,
    source: { type: 'vsphere', vcenter_url: url, username, password, ca: trust.ca },
    destination: {
      ...{ type: 'kvm', libvirt_uri: libvirt.libvirtd.uri, directory: images },
      ready_text: READY,
    },
    options: {
      ...{ conversion_method: method, network_mapping: { 'VM Network': 'user' } },
      boot_timeout: '120s',
    },
  };
}

const digests = new Set<string>();

describe('a VM in vSphere', { concurrency: 2 }, () => {
  for (const [at, method] of METHODS.entries()) {
    it(`runs at libvirt after one call, over ${method}`, async () => {
      const { job_id: id } = await ask('/jobs/submit', requestFor(method));
      const { status, error, result, progress } = await finish(id);
      assert.equal(error, null);
      assert.equal(status, 'completed');
      assert.equal(progress.percent_complete, 100);
      assert.equal(result['export_method'], method);
      assert.ok(Number(result['received_bytes']) > MIB);
      for (const digest of Object.values(result['disk_digests'] as object)) {
        digests.add(String(digest));
      }
      assert.ok((await readdir(images)).includes(`web-${method}-0.qcow2`));
      const xml = await libvirt.virsh('dumpxml', `--domain=web-${method}`);
      assert.ok(xml.includes(macOf(at)));
      assert.deepEqual(vsphere.openLeases, []);
    });
  }
});

after(() => {
  // The same disk, whichever way it came.
  assert.equal(digests.size, 1);
});
