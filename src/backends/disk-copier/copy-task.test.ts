import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { DiskFormat } from '#disks/disk-writer.ts';
import { MIB } from '#kernel/units.ts';
import type { CopyOutcome, CopyRequest } from '#transfers/disk-copier.ts';
import { readCopyState, removeCopyState } from './copy-state.ts';
import { copyDiskTask, verifyDiskTask } from './copy-task.ts';

const CAPACITY = 12 * MIB;

/** Serves a disk by ranges, and does to each answer what a test wants done to it. */
class RangeServer implements AsyncDisposable {
  readonly disk = Buffer.alloc(CAPACITY);
  etag = '"one"';
  sentBytes = 0;
  readonly asked: number[] = [];
  onAnswer: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  readonly directory: string;
  readonly #server = createServer((request, response) => this.#answer(request, response));

  private constructor(directory: string) {
    this.directory = directory;
    // Data with holes, one of them longer than what lies between two marks.
    randomBytes(3 * MIB).copy(this.disk, MIB);
    randomBytes(3 * MIB).copy(this.disk, 8 * MIB);
  }

  static async open(): Promise<RangeServer> {
    const server = new RangeServer(await mkdtemp(join(tmpdir(), 'drover-copy-')));
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get path(): string {
    return join(this.directory, 'disk.img');
  }

  request(changes: Partial<CopyRequest> = {}): CopyRequest {
    const { port } = this.#server.address() as AddressInfo;
    return {
      feed: {
        kind: 'ranges',
        place: {
          url: `http://127.0.0.1:${port}/disk`,
          headers: {},
          trust: { ca: undefined, thumbprint: undefined, isInsecure: false },
        },
        ...{ capacityBytes: CAPACITY, connections: 2 },
      },
      ...{ path: this.path, format: 'raw', isCompressed: false, capacityBytes: CAPACITY },
      ...{ owner: 'job-1', isResumable: true, pace: new SharedArrayBuffer(8) },
      ...changes,
    };
  }

  async copy(changes: Partial<CopyRequest> = {}, signal?: AbortSignal): Promise<CopyOutcome> {
    return await copyDiskTask(this.request(changes), contextWith(signal));
  }

  async verify({ journalBytes }: CopyOutcome, format: DiskFormat = 'raw') {
    const request = { path: this.path, format, capacityBytes: CAPACITY, journalBytes };
    return await verifyDiskTask(request, contextWith());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await rm(this.directory, { recursive: true });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const [, first = '0', last = '0'] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
    this.asked.push(Number(first));
    if (this.onAnswer(request, response)) return;
    const bytes = this.disk.subarray(Number(first), Number(last) + 1);
    this.sentBytes += bytes.length;
    response.writeHead(206, {
      'content-range': `bytes ${first}-${last}/${CAPACITY}`,
      'content-length': bytes.length,
      etag: this.etag,
    });
    response.end(bytes);
  }
}

function contextWith(signal: AbortSignal = new AbortController().signal) {
  return { signal, progress: () => undefined, transfer: <T>(value: T) => value };
}

/** Lets a copy run until its source was asked for what lies at an offset, and breaks it off. */
async function breakOffAt(server: RangeServer, offset: number): Promise<void> {
  const controller = new AbortController();
  server.onAnswer = (_request, response) => {
    if ((server.asked.at(-1) ?? 0) < offset) return false;
    controller.abort(new Error('broken off'));
    response.destroy();
    return true;
  };
  await assert.rejects(server.copy({}, controller.signal), /broken off/);
  server.onAnswer = () => false;
}

describe('a copy of a disk', () => {
  it('is the disk, and is proved to be', async () => {
    await using server = await RangeServer.open();
    const outcome = await server.copy();
    assert.ok(server.disk.equals(await readFile(server.path)));
    assert.equal(outcome.resumedFromByte, 0);
    const { contentDigest } = await server.verify(outcome);
    assert.match(contentDigest, /^[0-9a-f]{64}$/);
    await removeCopyState(server.path);
    assert.deepEqual(await readdir(server.directory), ['disk.img']);
  });

  it('has the same digest in another format', async () => {
    await using server = await RangeServer.open();
    const raw = await server.verify(await server.copy());
    const qcow2 = await server.verify(await server.copy({ format: 'qcow2' }), 'qcow2');
    assert.equal(raw.contentDigest, qcow2.contentDigest);
  });

  it('goes on from its last mark, and asks again for little more than came after it', async () => {
    await using server = await RangeServer.open();
    await breakOffAt(server, 9 * MIB);
    const { mark } = (await readCopyState(server.path)) ?? {};
    assert.ok(mark && mark.offset >= 6 * MIB, `the mark is at ${mark?.offset}`);
    server.sentBytes = 0;
    const outcome = await server.copy();
    assert.equal(outcome.resumedFromByte, mark.offset);
    assert.ok(server.sentBytes <= CAPACITY - mark.offset + 1);
    assert.ok(server.disk.equals(await readFile(server.path)));
    await server.verify(outcome);
  });

  it('is longer than its image where more was asked for', async () => {
    await using server = await RangeServer.open();
    const path = join(server.directory, 'short.raw');
    await writeFile(path, Buffer.alloc(MIB, 7));
    const feed = { kind: 'file', path } as const;
    await server.copy({ feed, capacityBytes: 3 * MIB });
    const expected = Buffer.concat([Buffer.alloc(MIB, 7), Buffer.alloc(2 * MIB)]);
    assert.ok(expected.equals(await readFile(server.path)));
  });

  it('begins anew when the source has changed, and for somebody else', async () => {
    await using server = await RangeServer.open();
    await breakOffAt(server, 9 * MIB);
    assert.equal((await server.copy({ owner: 'job-2' })).resumedFromByte, 0);
    await breakOffAt(server, 9 * MIB);
    server.etag = '"two"';
    randomBytes(MIB).copy(server.disk, 0);
    const outcome = await server.copy();
    assert.equal(outcome.resumedFromByte, 0);
    assert.ok(server.disk.equals(await readFile(server.path)));
  });

  it('begins anew when what lies here is not what was marked', async () => {
    await using server = await RangeServer.open();
    await breakOffAt(server, 9 * MIB);
    await truncate(`${server.path}.digests`, 20);
    assert.equal((await server.copy()).resumedFromByte, 0);
    assert.ok(server.disk.equals(await readFile(server.path)));
  });

  it('asks again for a piece whose connection broke', async () => {
    await using server = await RangeServer.open();
    let broken = 0;
    server.onAnswer = (_request, response) => {
      if (server.asked.length % 12 !== 0) return false;
      broken += 1;
      const first = server.asked.at(-1) ?? 0;
      response.writeHead(206, {
        'content-range': `bytes ${first}-${first + MIB / 4 - 1}/*`,
        ...{ etag: server.etag, 'content-length': MIB / 4 },
      });
      response.write(Buffer.alloc(1000), () => response.destroy());
      return true;
    };
    await server.copy();
    assert.ok(broken >= 3);
    assert.ok(server.disk.equals(await readFile(server.path)));
  });

  it('fails on a disk that changes while it is read', async () => {
    await using server = await RangeServer.open();
    server.onAnswer = () => {
      if (server.asked.length > 6) server.etag = '"three"';
      return false;
    };
    await assert.rejects(server.copy(), { reason: 'SOURCE_CHANGED' });
  });

  it('fails with a reason that says whether another attempt can help', async () => {
    await using server = await RangeServer.open();
    for (const [status, kind, reason] of [
      [401, 'unavailable', 'SOURCE_SESSION_LOST'],
      [404, 'not_found', 'NOT_FOUND'],
      [200, 'failed_precondition', 'RANGES_IGNORED'],
    ] as const) {
      server.onAnswer = (_request, response) => {
        response.writeHead(status).end();
        return true;
      };
      await assert.rejects(server.copy(), { kind, reason });
    }
  });

  it('finds one bit that differs', async () => {
    await using server = await RangeServer.open();
    const outcome = await server.copy();
    const image = await readFile(server.path);
    image[9 * MIB] = (image[9 * MIB] ?? 0) ^ 1;
    await writeFile(server.path, image);
    await assert.rejects(server.verify(outcome), { kind: 'data_loss' });
  });
});
