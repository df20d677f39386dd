import assert from 'node:assert/strict';
import http2 from 'node:http2';
import https from 'node:https';
import { describe, it } from 'node:test';
import { connect, type ConnectionOptions } from 'node:tls';
import { once } from 'node:events';
import type { FastifyInstance } from 'fastify';
import { createTestCertificates } from '#test/certificates.ts';
import { openTestListener } from '#test/edge-listener.ts';
import { http2Request } from '#test/http2-client.ts';
import { openRawClient } from '#test/raw-client.ts';

const { ca, server, client, strangerClient } = createTestCertificates();
const trust = { ca: ca.cert };

function routes(app: FastifyInstance): void {
  app.get('/hello', async (request) => ({ over: request.raw.httpVersion }));
}

describe('under TLS', () => {
  it('ALPN chooses between HTTP/2 and HTTP/1.1 on the one port', async () => {
    await using edge = await openTestListener(routes, { tls: server });
    assert.match(edge.url, /^https:/);
    const session = http2.connect(edge.url, trust);
    try {
      const { body } = await http2Request(session, { ':path': '/hello' });
      assert.deepEqual(JSON.parse(body), { over: '2.0' });
    } finally {
      session.close();
    }
    // Node's https names no protocol; one that does must get what it names.
    assert.equal(await getOverHttp1(edge.port, trust), '{"over":"1.1"}');
    const ALPNProtocols = ['http/1.1'];
    const socket = connect({ ...trust, ALPNProtocols, host: '127.0.0.1', port: edge.port });
    await once(socket, 'secureConnect');
    assert.equal(socket.alpnProtocol, 'http/1.1');
    socket.destroy();
  });

  it('with a client authority only its clients are let in', async () => {
    const tls = { ...server, clientCa: ca.cert };
    await using edge = await openTestListener(routes, { tls });
    assert.equal(await getOverHttp1(edge.port, { ...trust, ...client }), '{"over":"1.1"}');
    await assert.rejects(getOverHttp1(edge.port, trust));
    await assert.rejects(getOverHttp1(edge.port, { ...trust, ...strangerClient }));
    const session = http2.connect(edge.url, { ...trust, ...strangerClient });
    session.on('error', () => {});
    await assert.rejects(http2Request(session, { ':path': '/hello' }));
    const known = http2.connect(edge.url, { ...trust, ...client });
    try {
      assert.equal((await http2Request(known, { ':path': '/hello' })).status, 200);
    } finally {
      known.close();
    }
  });

  it('what is not TLS is disconnected, and others are served on', async () => {
    await using edge = await openTestListener(routes, { tls: server });
    using plain = await openRawClient(edge.port);
    plain.send('GET /hello HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.doesNotMatch(await plain.closed(), /HTTP\/1.1 200/);
    assert.equal(await getOverHttp1(edge.port, trust), '{"over":"1.1"}');
  });

  it('a certificate that is none is refused at the start, naming the setting', async () => {
    const tls = { cert: 'nonsense', key: server.key };
    await assert.rejects(openTestListener(routes, { tls }), {
      kind: 'invalid_argument',
      message: /tls/,
    });
  });

  it('the oldest TLS spoken is 1.2', async () => {
    await using edge = await openTestListener(routes, { tls: server });
    const options: ConnectionOptions = { ...trust, port: edge.port, maxVersion: 'TLSv1.1' };
    const socket = connect({ ...options, host: '127.0.0.1', minVersion: 'TLSv1' });
    await assert.rejects(once(socket, 'secureConnect'));
  });
});

function getOverHttp1(port: number, options: https.RequestOptions): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const request = https.get(
    { host: '127.0.0.1', port, path: '/hello', agent: false, ...options },
    (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve(body));
    },
  );
  request.on('error', reject);
  return promise;
}
