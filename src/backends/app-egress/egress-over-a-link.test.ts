/** The whole way: `fetch` in a member, the link, and a server on the loopback. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { DroverError } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';
import { atRest, bindingOf, openEgress } from '#test/egress-caller.ts';
import { openServer } from '#test/loopback-server.ts';
import { openSocketLinks } from '#test/wire-fixture.ts';
import { createFetch } from '#workers/runtime/outgoing-fetch.ts';
import { Exchanges } from '#workers/wire/exchanges.ts';

const BODY_BYTES = 64 * MIB;
const PIECE = new Uint8Array(64 * 1024).fill(7);

async function openMember(...allowedHosts: string[]) {
  await using stack = new AsyncDisposableStack();
  const egress = stack.use(openEgress());
  const links = stack.use(await openSocketLinks());
  const onFrame = (): never => assert.fail('no frame but of exchanges');
  const answerer = egress.answererFor(bindingOf(...allowedHosts));
  const pool = new Exchanges({ link: links.pool, side: 'pool', answerer, onFrame });
  const none = { side: 'member', answerer: undefined, onFrame } as const;
  const member = new Exchanges({ link: links.member, ...none });
  stack.defer(() => {
    for (const side of [pool, member]) side.fail(new DroverError('unavailable', 'closed'));
  });
  const closing = stack.move();
  return {
    pool,
    fetch: createFetch((...request) => member.begin(...request), fetch),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** Counts what was taken of it. */
function createUpload() {
  const upload = {
    taken: 0,
    body: new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          if (upload.taken === BODY_BYTES) controller.close();
          else controller.enqueue(PIECE.slice());
          upload.taken = Math.min(BODY_BYTES, upload.taken + PIECE.length);
        },
      },
      { highWaterMark: 0 },
    ),
  };
  return upload;
}

describe('an app that fetches', () => {
  it('sends and receives 64 MiB at the same time, holding little of them', async () => {
    let goOn: () => void = () => undefined;
    await using server = await openServer((request, response) => {
      request.pause();
      goOn = () => void request.pipe(response);
      response.flushHeaders();
    });
    await using member = await openMember('127.0.0.1');
    const upload = createUpload();
    const options = { method: 'POST', body: upload.body, duplex: 'half' } as const;
    const response = await member.fetch(server.url, options);
    // The server reads nothing yet, and then the app does not: each time everything comes to rest.
    await atRest(() => upload.taken, 'the upload');
    assert.ok(upload.taken < 16 * MIB, `${upload.taken} bytes were taken from the app`);
    goOn();
    await atRest(() => upload.taken, 'the answer');
    assert.ok(upload.taken < 32 * MIB, `${upload.taken} bytes are on their way`);
    let received = 0;
    for await (const bytes of response.body ?? []) received += bytes.length;
    assert.equal(received, BODY_BYTES);
    assert.equal(member.pool.size, 0);
  });

  it('finds what a server compressed as it was before', async () => {
    const asked: unknown[] = [];
    await using server = await openServer((request, response) => {
      asked.push(request.headers['accept-encoding']);
      response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync('plain words'));
    });
    await using member = await openMember('127.0.0.1');
    assert.equal(await (await member.fetch(server.url)).text(), 'plain words');
    assert.deepEqual(asked, ['gzip, br']);
  });

  it('follows redirects, each judged like a request of its own', async () => {
    await using server = await openServer((request, response) => {
      const location = request.url === '/out' ? 'http://169.254.169.254/latest' : '/there';
      if (request.url === '/there') response.end('arrived');
      else response.writeHead(302, { location }).end();
    });
    await using member = await openMember('127.0.0.1');
    assert.equal(await (await member.fetch(server.url)).text(), 'arrived');
    await assert.rejects(member.fetch(`${server.url}/out`), (error: Error) => {
      const { code, message } = Object(error.cause) as { code: string; message: string };
      assert.equal(code, 'ERR_ACCESS_DENIED');
      assert.match(message, /169\.254\.169\.254: allowed_hosts/);
      return true;
    });
  });

  it('lets go of the connection when it gives up', async () => {
    const begun = Promise.withResolvers<Promise<unknown>>();
    await using server = await openServer((request, response) => {
      begun.resolve(once(request.socket, 'close'));
      response.write('begun');
    });
    await using member = await openMember('127.0.0.1');
    const controller = new AbortController();
    const response = await member.fetch(server.url, { signal: controller.signal });
    controller.abort();
    await assert.rejects(response.text(), { name: 'AbortError' });
    await begun.promise;
    assert.equal(member.pool.size, 0);
  });
});
