import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RequestHead } from '#workers/exchange.ts';
import { declaredLength, incomingHeaders, outgoingHeaders } from './egress-headers.ts';

interface Sent {
  readonly method?: string;
  readonly headers?: readonly string[];
  readonly hasBody?: boolean;
  readonly body?: Uint8Array;
}

function sent({ method = 'GET', headers = [], hasBody = false, body }: Sent): readonly string[] {
  const head: RequestHead = { method, url: 'http://a.test/', headers, hasBody };
  const [name, authority, ...others] = outgoingHeaders(head, 'a.test', declaredLength(head, body));
  assert.deepEqual([name, authority], ['Host', 'a.test']);
  return others;
}

const CHUNKED = ['Transfer-Encoding', 'chunked'];
const STREAM = { method: 'PUT', hasBody: true };

const REQUESTS: readonly (readonly [title: string, given: Sent, expected: readonly string[]])[] = [
  ['what the app says', { headers: ['A', '1', 'a', '2', 'b', ''] }, ['A', '1', 'a', '2', 'b', '']],
  ['no other host', { headers: ['HOST', 'b.test', 'host', 'c.test'] }, []],
  ['no connection', { headers: ['Connection', 'close', 'Keep-Alive', 'x', 'Upgrade', 'h2c'] }, []],
  [
    'nothing that Connection names',
    {
      headers: ['X-A', '1', 'X-B', '2', 'connection', 'x-a ,X-B', 'Connection', 'x-c', 'X-C', '3'],
    },
    [],
  ],
  ['no trailers', { headers: ['TE', 'trailers', 'Trailer', 'X-A', 'Expect', '100-continue'] }, []],
  ['no word to proxies', { headers: ['Proxy-Authorization', 'x', 'Proxy-Connection', 'y'] }, []],
  ['credentials of the app', { headers: ['Authorization', 'x'] }, ['Authorization', 'x']],
  ['no length where there is no body', { headers: ['Content-Length', '9'] }, []],
  ['a length where one is expected', { method: 'POST' }, ['Content-Length', '0']],
  ['a length for methods unheard of', { method: 'PROPFIND' }, ['Content-Length', '0']],
  [
    'the length that a whole body has',
    { method: 'DELETE', body: Buffer.from('abc'), headers: ['content-length', '99'] },
    ['Content-Length', '3'],
  ],
  [
    'the length of a stream',
    { ...STREAM, headers: ['content-length', '5'] },
    ['Content-Length', '5'],
  ],
  ['pieces', STREAM, CHUNKED],
  ['pieces, whatever the method', { hasBody: true }, CHUNKED],
  ['pieces where the length is two', { ...STREAM, headers: ['content-length', '5, 6'] }, CHUNKED],
  [
    'pieces where the length is said twice',
    { ...STREAM, headers: ['content-length', '5', 'Content-Length', '6'] },
    CHUNKED,
  ],
  ['pieces where the length is none', { ...STREAM, headers: ['content-length', '-1'] }, CHUNKED],
  ['pieces once', { ...STREAM, headers: ['transfer-encoding', 'gzip, chunked'] }, CHUNKED],
];

describe('a request on its way out', () => {
  for (const [title, given, expected] of REQUESTS) {
    it(`has ${title}`, () => assert.deepEqual(sent(given), expected));
  }
});

describe('an answer on its way in', () => {
  it('has everything but what is about the connection', () => {
    const kept = [
      ...['Content-Type', 'text/plain', 'Content-Length', '3', 'Content-Encoding', 'gzip'],
      ...['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Location', '/x'],
    ];
    const dropped = [
      ...['Connection', 'keep-alive, x-hop', 'X-Hop', '1', 'Keep-Alive', 'timeout=5'],
      ...['Transfer-Encoding', 'chunked', 'Trailer', 'X-Sum', 'Proxy-Authenticate', 'Basic'],
    ];
    assert.deepEqual(incomingHeaders([...kept, ...dropped]), kept);
  });
});
