import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { openMigration } from '#test/migration-fixture.ts';
import type { Upload, Uploads } from '#transfers/uploads.ts';

/** Keeps what was sent whole, in memory. */
class MemoryUploads implements Uploads {
  readonly kept = new Map<string, string>();
  readonly failures: unknown[] = [];
  readonly failed = Promise.withResolvers<undefined>();

  async list(): Promise<readonly Upload[]> {
    return [...this.kept].map(([name, text]) => this.#describe(name, text));
  }

  async save(name: string, body: AsyncIterable<Uint8Array>): Promise<Upload> {
    const parts: Uint8Array[] = [];
    try {
      for await (const part of body) parts.push(part);
    } catch (thrown) {
      this.failures.push(thrown);
      this.failed.resolve(undefined);
      throw thrown;
    }
    const text = Buffer.concat(parts).toString();
    this.kept.set(name, text);
    return this.#describe(name, text);
  }

  async remove(name: string): Promise<void> {
    if (!this.kept.delete(name)) throw new DroverError('not_found', `there is no upload ${name}`);
  }

  #describe(name: string, text: string): Upload {
    return { name, path: `/uploads/${name}`, sizeBytes: text.length, changedAt: 0 };
  }
}

async function open() {
  const uploads = new MemoryUploads();
  const server = await openMigration({ parts: { uploads, maxUploadBytes: 1000 } });
  const put = (name: string, body: string | ReadableStream, headers: Record<string, string> = {}) =>
    fetch(`${server.url}/uploads/${name}`, {
      ...{ method: 'PUT', body, duplex: 'half' },
      headers: { 'content-type': 'application/octet-stream', ...headers },
    });
  return { uploads, server, put, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

describe('uploads', () => {
  it('come by PUT, are listed, and go by DELETE', async () => {
    await using all = await open();
    const { put, uploads, server } = all;
    const answer = await put('web%20(1).ova', 'the file');
    assert.equal(answer.status, 201);
    const { upload } = (await answer.json()) as { readonly upload: object };
    const expected = {
      ...{ name: 'web (1).ova', path: '/uploads/web (1).ova', size: 8 },
      uploaded_at: '1970-01-01T00:00:00.000Z',
    };
    assert.deepEqual(upload, expected);
    assert.equal(uploads.kept.get('web (1).ova'), 'the file');
    const list = (await (await fetch(`${server.url}/uploads`)).json()) as Record<string, unknown>;
    assert.deepEqual([list['uploads'], list['total']], [[expected], 1]);
    const path = `${server.url}/uploads/web%20(1).ova`;
    assert.equal((await fetch(path, { method: 'DELETE' })).status, 200);
    assert.equal((await fetch(path, { method: 'DELETE' })).status, 404);
  });

  it('may say that they are JSON, and are files all the same', async () => {
    await using all = await open();
    const answer = await all.put('a.ovf', '{ nonsense', { 'content-type': 'application/json' });
    assert.equal(answer.status, 201);
    assert.equal(all.uploads.kept.get('a.ovf'), '{ nonsense');
  });

  it('are as long as is allowed, whether they say so or not', async () => {
    await using all = await open();
    assert.equal((await all.put('a', 'x'.repeat(1000))).status, 201);
    assert.equal((await all.put('b', 'x'.repeat(1001))).status, 413);
    const stream = new Blob(['x'.repeat(600), 'x'.repeat(600)]).stream();
    assert.equal((await all.put('c', stream)).status, 413);
    assert.equal((await all.put('d', 'x'.repeat(8 * 1024 * 1024))).status, 413);
    assert.deepEqual([...all.uploads.kept.keys()], ['a']);
  });

  it('come whole or not at all', async () => {
    await using all = await open();
    const { port } = new URL(all.server.url);
    const socket = connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write('PUT /uploads/a HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100\r\n\r\nhalf');
    socket.end();
    await all.uploads.failed.promise;
    socket.destroy();
    assert.equal(all.uploads.failures.length, 1);
    assert.equal(all.uploads.kept.size, 0);
  });
});
