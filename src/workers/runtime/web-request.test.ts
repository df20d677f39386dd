import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { CreditedBody } from './credited-body.ts';
import { AppRequest, IncomingRequest, nativeRequest } from './web-request.ts';

const URL_TEXT = 'http://apps.example:8080/a/b?c=%20d';
const HEADERS = ['Host', 'apps.example', 'Cookie', 'a=1', 'X-Twice', '1', 'x-twice', '2'];
const PAIRS: [string, string][] = [];
for (let at = 0; at < HEADERS.length; at += 2) {
  PAIRS.push([HEADERS[at] ?? '', HEADERS[at + 1] ?? '']);
}

const BODIES: Readonly<Record<string, string | undefined>> = {
  'no body': undefined,
  text: 'grüße',
  'an empty body': '',
  json: '{"a":[1]}',
  'text with a mark in front': '\uFEFF{"a":1}',
};

function incoming(body?: string, headers = HEADERS): Request {
  const method = body === undefined ? 'GET' : 'POST';
  const bytes = body === undefined ? undefined : Buffer.from(body);
  return IncomingRequest.create({ method, url: URL_TEXT, headers, body: bytes });
}

function streamed(body: string): Request {
  const content = new CreditedBody({ consume: () => undefined, cancel: () => undefined });
  content.push(Buffer.from(body));
  content.end();
  const parts = { method: 'POST', url: URL_TEXT, headers: HEADERS, body: () => content.open() };
  return IncomingRequest.create(parts);
}

function nodes(body?: string): Request {
  const method = body === undefined ? 'GET' : 'POST';
  // As bytes, since text brings a type along.
  const bytes = body === undefined ? null : Buffer.from(body);
  return new Request(URL_TEXT, { method, headers: PAIRS, body: bytes });
}

function outside(request: Request): object {
  const { method, url, destination, referrer, referrerPolicy, mode, credentials } = request;
  const { cache, redirect, integrity, keepalive, bodyUsed, duplex } = request;
  return {
    ...{ method, url, destination, referrer, referrerPolicy, mode, credentials },
    ...{ cache, redirect, integrity, keepalive, bodyUsed, duplex },
    isReload: Reflect.get(request, 'isReloadNavigation'),
    isHistory: Reflect.get(request, 'isHistoryNavigation'),
    headers: [...request.headers],
    isAborted: request.signal.aborted,
    hasBody: request.body !== null,
  };
}

async function outcome(call: () => unknown): Promise<unknown> {
  try {
    const value = await call();
    return value instanceof Blob ? { type: value.type, text: await value.text() } : value;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.name : thrown;
  }
}

describe('IncomingRequest', () => {
  for (const [what, body] of Object.entries(BODIES)) {
    it(`looks like Node's own, with ${what}`, () => {
      assert.deepEqual(outside(incoming(body)), outside(nodes(body)));
      assert.equal(inspect(incoming(body)), inspect(nodes(body)));
    });

    for (const way of ['text', 'json', 'bytes', 'arrayBuffer', 'blob', 'formData'] as const) {
      it(`is read by ${way}() as Node's own, with ${what}`, async () => {
        const all = body === undefined ? [incoming()] : [incoming(body), streamed(body)];
        for (const ours of all) {
          const theirs = nodes(body);
          assert.deepEqual(await outcome(() => ours[way]()), await outcome(() => theirs[way]()));
          assert.equal(ours.bodyUsed, theirs.bodyUsed);
          assert.deepEqual(await outcome(() => ours[way]()), await outcome(() => theirs[way]()));
          assert.deepEqual(
            await outcome(() => ours.clone().text()),
            await outcome(() => theirs.clone().text()),
          );
        }
      });
    }

    it(`is cloned as Node's own, with ${what}`, async () => {
      for (const ours of body === undefined ? [incoming()] : [incoming(body), streamed(body)]) {
        const copy = ours.clone();
        assert.deepEqual(outside(copy), outside(nodes(body).clone()));
        assert.equal(await copy.text(), await nodes(body).text());
        assert.equal(await ours.text(), await nodes(body).text());
      }
    });

    it(`is what others are made of, with ${what}`, async () => {
      const ours = incoming(body);
      const made = new AppRequest(ours, { headers: { 'x-new': '1' } });
      assert.deepEqual([...made.headers], [['x-new', '1']]);
      assert.equal(made.method, ours.method);
      assert.equal(await made.text(), await nodes(body).text());
      assert.equal(ours.bodyUsed, body !== undefined);
      const given = incoming(body);
      const elsewhere = new AppRequest('http://elsewhere.example/', given);
      assert.equal(elsewhere.url, 'http://elsewhere.example/');
      assert.deepEqual([...elsewhere.headers], [...given.headers]);
      assert.equal(await elsewhere.text(), await nodes(body).text());
    });
  }

  it('is what instanceof and its constructor say', () => {
    class Special extends AppRequest {}
    const request = incoming();
    assert.ok(request instanceof Request);
    assert.ok(request instanceof AppRequest);
    assert.equal(request.constructor, AppRequest);
    assert.ok(!(request instanceof Special));
    assert.ok(new Special(request) instanceof AppRequest);
    assert.ok(new Request('http://localhost/') instanceof AppRequest);
    assert.ok(!(Object('x') instanceof AppRequest));
    assert.equal(Object.prototype.toString.call(request), '[object Request]');
  });

  it('keeps its headers changed when it is handed on', () => {
    const request = incoming('x');
    assert.equal(request.headers.get('x-twice'), '1, 2');
    assert.ok(request.body);
    request.headers.set('x-twice', '3');
    request.headers.delete('cookie');
    const expected = [
      ['host', 'apps.example'],
      ['x-twice', '3'],
    ];
    assert.deepEqual([...request.clone().headers], expected);
    assert.deepEqual([...new AppRequest(request).headers], expected);
  });

  it('gives bytes that are nobody else’s', async () => {
    const shared = Buffer.from('abcdef').subarray(2, 4);
    const parts = { method: 'POST', url: URL_TEXT, headers: [], body: shared };
    const bytes = await IncomingRequest.create(parts).bytes();
    assert.equal(Buffer.from(bytes).toString(), 'cd');
    assert.equal(bytes.buffer.byteLength, 2);
  });

  it('aborts the signal that the app has, or asks for later, and those made of it', () => {
    const asked = incoming('x');
    const { signal } = asked;
    const made = new AppRequest(asked);
    const copy = incoming('y');
    const cloned = copy.clone();
    const unasked = incoming();
    for (const request of [asked, unasked, copy]) IncomingRequest.abort(request);
    assert.equal(signal.aborted, true);
    assert.equal(made.signal.aborted, true);
    assert.equal(unasked.signal.aborted, true);
    assert.equal(cloned.signal.aborted, true);
    assert.equal(signal.reason.name, 'AbortError');
  });

  it('is left alone where it is none of ours', () => {
    const request = new Request('http://localhost/');
    assert.equal(nativeRequest(request), request);
    assert.equal(nativeRequest('http://localhost/'), 'http://localhost/');
    const url = new URL('http://localhost/');
    assert.equal(nativeRequest(url), url);
  });
});
