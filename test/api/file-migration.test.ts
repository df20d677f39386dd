/** VMs go from files to files by requests to the API; sha256sum and qemu-img are the judges. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { openTestServer, type TestServer } from '#test/drover-server.ts';
import { makeImage, makeOva, makePackage } from '#test/packages.ts';
import { assertSameDisk } from '#test/qemu-img.ts';
import { until } from '#test/until.ts';

const run = promisify(execFile);

interface WireJob {
  readonly status: string;
  readonly error: string | null;
  readonly result: Readonly<Record<string, unknown>>;
}

let directory: string;
let images: string;
let output: string;
let server: TestServer;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'drover-files-'));
  images = join(directory, 'images');
  output = join(directory, 'output');
  await mkdir(images);
  server = await openTestServer({ migration: { directories: [images, output] } });
});

after(async () => {
  await server[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

async function ask(path: string, body?: object): Promise<Response> {
  return await fetch(`${server.url}${path}`, {
    ...(body !== undefined && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
}

async function migrate(request: object): Promise<WireJob & { readonly id: string }> {
  const submitted = await ask('/jobs/submit', request);
  const { job_id: id } = (await submitted.json()) as { job_id: string };
  const look = async () => {
    const job = (await (await ask(`/jobs/${id}`)).json()) as WireJob;
    return ['completed', 'failed', 'cancelled'].includes(job.status) ? job : undefined;
  };
  return { ...(await until(look, 'the end of the job')), id };
}

function requestFor(vmPath: string, path = images): object {
  return {
    vm_path: vmPath,
    source: { type: 'file', path },
    destination: { type: 'file', directory: output },
  };
}

async function assertWhole(name: string, raw: string): Promise<void> {
  const folder = join(output, name);
  await run('sha256sum', ['--strict', '-c', 'SHA256SUMS'], { cwd: folder });
  const image = { path: join(folder, `${name}-0.qcow2`), format: 'qcow2' } as const;
  await assertSameDisk(image, { path: raw, format: 'raw' });
  const files = ['.owner', 'SHA256SUMS', 'domain.xml', 'manifest.json', `${name}-0.qcow2`];
  assert.deepEqual((await readdir(folder)).toSorted(), files.toSorted());
}

describe('a VM in files', () => {
  it('goes from an OVA to a folder that is whole', async () => {
    const { raw, files } = await makePackage(images, 'web');
    await makeOva(images, 'packed', files);
    const { status, error, result } = await migrate(requestFor('packed.ova'));
    assert.equal(error, null);
    assert.equal(status, 'completed');
    assert.equal(result['export_method'], 'file');
    await assertWhole('web', raw);
    await run('virt-xml-validate', [join(output, 'web', 'domain.xml'), 'domain']);
    const text = await readFile(join(output, 'web', 'manifest.json'), 'utf8');
    const manifest = JSON.parse(text) as Record<string, Record<string, unknown>[]>;
    assert.match(String(manifest['disks']?.[0]?.['content_digest']), /^[0-9a-f]{64}$/);
    assert.equal(manifest['nics']?.[0]?.['network'], 'VM Network');
  });

  it('goes from an OVA that was uploaded', async () => {
    const { raw, files } = await makePackage(images, 'sent');
    const body = await readFile(await makeOva(images, 'sent', files));
    const answer = await fetch(`${server.url}/uploads/sent.ova`, { method: 'PUT', body });
    assert.equal(answer.status, 201);
    const { upload } = (await answer.json()) as { readonly upload: { readonly path: string } };
    assert.equal(upload.path, join(images, 'uploads', 'sent.ova'));
    assert.equal((await migrate(requestFor('sent', upload.path))).error, null);
    await assertWhole('sent', raw);
  });

  it('goes from an OVF with its disk beside it, and from images alone', async () => {
    const { raw } = await makePackage(images, 'db', { algorithm: 'sha1' });
    const flat = await makeImage(images, 'flat.vmdk', [
      'vmdk',
      '-o',
      'subformat=twoGbMaxExtentFlat',
    ]);
    const compressed = await makeImage(images, 'small.qcow2', ['qcow2', '-c']);
    for (const [name, model] of [
      ['db', raw],
      ['flat', flat.raw],
      ['small', compressed.raw],
    ] as const) {
      const { error } = await migrate(requestFor(name));
      assert.equal(error, null);
      await assertWhole(name, model);
    }
  });

  it('is refused when a checksum is another, and leaves nothing behind', async () => {
    const spoil = (text: string) =>
      text.replace(/(.)(?=\n$)/, (last) => (last === '0' ? '1' : '0'));
    await makePackage(images, 'bad', { spoil });
    const { status, error, id } = await migrate(requestFor('bad.ovf'));
    assert.equal(status, 'failed');
    assert.match(String(error), /bad-disk1.vmdk is not what its manifest says/);
    const { history } = await readHistory(id);
    assert.match(history, /data_loss|CHECKSUM_MISMATCH/);
    assert.ok((await readdir(output)).includes('bad'));
    const cleaned = await ask(`/jobs/${id}/clean`, {});
    assert.equal(cleaned.status, 200, await cleaned.text());
    assert.ok(!(await readdir(output)).some((name) => name.includes('bad')));
  });

  it('neither comes from a folder that is not allowed, nor goes there', async () => {
    await symlink(tmpdir(), join(images, 'out'));
    const from = (path: string) => requestFor('web', path);
    const to = (path: string) => {
      return { ...requestFor('web'), destination: { type: 'file', directory: path } };
    };
    const notFrom = /source.path: is in none of the folders/;
    const notTo = /destination.directory: is in none of the folders/;
    for (const path of [directory, '/etc', `${images}-2`]) {
      for (const [request, why] of [
        [from(path), notFrom],
        [to(path), notTo],
      ] as const) {
        const answer = await ask('/jobs/submit', request);
        assert.equal(answer.status, 403);
        assert.match(await answer.text(), why, path);
      }
    }
    const link = join(images, 'out');
    assert.match(String((await migrate(from(link))).error), notFrom);
    assert.match(String((await migrate(to(link))).error), notTo);
    await rm(link);
    const climbing = await ask('/jobs/submit', requestFor('web', `${images}/../..`));
    assert.equal(climbing.status, 400);
  });

  it('never goes into a folder that is somebody else’s', async () => {
    await makePackage(images, 'shop');
    assert.equal((await migrate(requestFor('shop'))).status, 'completed');
    const second = await migrate(requestFor('shop'));
    assert.match(String(second.error), /is there already, and not of this job/);
    await ask(`/jobs/${second.id}/clean`, {});
    await run('sha256sum', ['-c', 'SHA256SUMS'], { cwd: join(output, 'shop') });
  });
});

async function readHistory(id: string): Promise<{ readonly history: string }> {
  return { history: await (await ask(`/jobs/${id}`)).text() };
}
