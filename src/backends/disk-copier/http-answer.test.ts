import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttp, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { isErrorKind } from '#kernel/errors.ts';
import { MIB, SECOND_MS } from '#kernel/units.ts';
import { createTestCertificates } from '#test/certificates.ts';
import { getPlace, readBody } from './http-answer.ts';
import { PlaceConnections } from './place-connections.ts';

const { signal } = new AbortController();
const { ca, server: pair } = createTestCertificates();

type Answer = (response: ServerResponse) => void;

async function openPlace(scheme: 'http' | 'https', answer: Answer) {
  const server =
    scheme === 'http'
      ? createHttp((_request, response) => answer(response))
      : createHttps(pair, (_request, response) => answer(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const trust = { ca: ca.cert, thumbprint: undefined, isInsecure: false };
  const place = { url: `${scheme}://127.0.0.1:${port}/disk`, headers: {}, trust };
  const connections = new PlaceConnections(place, { most: 1, idleTimeoutMs: 10 * SECOND_MS });
  return {
    get: () => getPlace(place, { connections, signal, isOnly: true }),
    async [Symbol.asyncDispose]() {
      connections[Symbol.dispose]();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Readers that are asked for the next piece `turns` later each time. */
const READERS = { 'keeps up': 0, 'is slow': 3 };

describe('readBody', () => {
  for (const scheme of ['http', 'https'] as const) {
    for (const [how, turns] of Object.entries(READERS)) {
      it(`gives what comes over ${scheme} byte for byte to a reader that ${how}`, async () => {
        const sent = randomBytes(6 * MIB + 4321);
        await using place = await openPlace(scheme, (response) => {
          Readable.from(pieces(sent)).pipe(response);
        });
        const answer = await place.get();
        // The first bytes come before anybody wants them.
        for (let i = 0; i < turns; i += 1) await turn();
        let at = 0;
        for await (const piece of readBody(answer, signal)) {
          for (let i = 0; i < turns; i += 1) await turn();
          assert.ok(sent.subarray(at, at + piece.byteLength).equals(piece), `at ${at}`);
          at += piece.byteLength;
        }
        assert.equal(at, sent.byteLength);
      });
    }
  }

  it('fails when the body breaks off', async () => {
    await using place = await openPlace('http', (response) => {
      response.write(randomBytes(MIB), () => response.destroy());
    });
    const answer = await place.get();
    const reading = Array.fromAsync(readBody(answer, signal));
    await assert.rejects(reading, (thrown) => isErrorKind(thrown, 'unavailable'));
  });
});

/** Of lengths that fit nothing. */
function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0, n = 1; at < bytes.byteLength; at += 977 * n, n = (n % 90) + 1) {
    yield bytes.subarray(at, at + 977 * n);
  }
}
