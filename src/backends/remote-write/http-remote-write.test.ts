import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isErrorKind } from '#kernel/errors.ts';
import { parseReceiver } from '#metrics/remote-write/receiver.ts';
import { HttpRemoteWrite } from './http-remote-write.ts';

interface Seen {
  readonly request: IncomingMessage;
  readonly body: Buffer;
}

async function openServer(answer: (response: ServerResponse) => void) {
  const seen: Seen[] = [];
  const sockets = new Set<unknown>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push({ request, body: Buffer.concat(chunks) });
      answer(response);
    });
  });
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const http = new HttpRemoteWrite({ userAgent: 'Drover/1.2.3' });
  return {
    url: `http://127.0.0.1:${port}/api/v1/write`,
    seen,
    sockets,
    send: (settings: object, signal = new AbortController().signal) => {
      const url = `http://127.0.0.1:${port}/api/v1/write`;
      return http.send(parseReceiver({ url, ...settings }, 'r'), Buffer.from('body'), signal);
    },
    [Symbol.asyncDispose]: async () => {
      http[Symbol.dispose]();
      server.closeAllConnections();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe('HttpRemoteWrite', () => {
  it('posts the body with the headers of the protocol and those configured', async () => {
    await using server = await openServer((response) => void response.writeHead(204).end());
    const answer = await server.send({ headers: { 'X-Scope-OrgID': 'team' } });
    assert.deepEqual(answer, { status: 204, retryAfter: undefined, text: '' });
    const [{ request, body } = assert.fail('no request')] = server.seen;
    assert.equal(`${request.method} ${request.url}`, 'POST /api/v1/write');
    assert.equal(body.toString(), 'body');
    const { headers } = request;
    assert.equal(headers['content-encoding'], 'snappy');
    assert.equal(headers['content-type'], 'application/x-protobuf');
    assert.equal(headers['x-prometheus-remote-write-version'], '0.1.0');
    assert.equal(headers['user-agent'], 'Drover/1.2.3');
    assert.equal(headers['x-scope-orgid'], 'team');
    assert.equal(headers.authorization, undefined);
  });

  it('signs in with a password or a token, from a file too, read anew each time', async () => {
    await using server = await openServer((response) => void response.writeHead(204).end());
    const directory = mkdtempSync(join(tmpdir(), 'drover-secret-'));
    using _directory = { [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
    const file = join(directory, 'token');
    await server.send({ username: 'me', password: 'p:ä' });
    for (const token of ['first', 'second']) {
      writeFileSync(file, `${token}\n`);
      await server.send({ bearerTokenFile: file });
    }
    assert.deepEqual(
      server.seen.map(({ request }) => request.headers.authorization),
      [`Basic ${Buffer.from('me:p:ä').toString('base64')}`, 'Bearer first', 'Bearer second'],
    );
    rmSync(file);
    await assert.rejects(server.send({ bearerTokenFile: file }), (thrown) => {
      assert.ok(isErrorKind(thrown, 'failed_precondition'));
      assert.ok(!String(thrown).includes(directory));
      return true;
    });
  });

  it('follows no redirect, and hands on what a refusal says', async () => {
    await using server = await openServer((response) => {
      response.writeHead(302, { location: '/elsewhere', 'retry-after': '7' }).end('moved');
    });
    const answer = await server.send({});
    assert.deepEqual(answer, { status: 302, retryAfter: '7', text: 'moved' });
    assert.equal(server.seen.length, 1);
  });

  it('keeps its connection, and reads no endless answer', async () => {
    let answers = 0;
    await using server = await openServer((response) => {
      answers += 1;
      if (answers < 3) response.end('ok');
      else response.end(Buffer.alloc(1024 * 1024, 'x'));
    });
    await server.send({});
    await server.send({});
    assert.equal(server.sockets.size, 1);
    assert.equal((await server.send({})).text.length, 4096);
  });

  it('says why there is no answer, and ends with its signal', async () => {
    let isHanging = false;
    await using server = await openServer((response) => {
      if (isHanging) response.writeHead(200).write('…');
      else response.destroy();
    });
    await assert.rejects(server.send({}), /no answer: ECONNRESET/);
    isHanging = true;
    const controller = new AbortController();
    const sent = server.send({}, controller.signal);
    controller.abort(new Error('time is over'));
    await assert.rejects(sent, /time is over/);
  });
});
