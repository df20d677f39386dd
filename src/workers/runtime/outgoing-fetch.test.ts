import assert from 'node:assert/strict';
import { ReadableStream } from 'node:stream/web';
import { describe, it } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { DroverError } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';
import type { Answerer, AnswerWriter, RequestHead, ResponseHead } from '#workers/exchange.ts';
import { Exchanges } from '#workers/wire/exchanges.ts';
import { PortLink } from '#workers/wire/port-link.ts';
import { openTestMember } from '#test/app-member.ts';
import { createFetch } from './outgoing-fetch.ts';

interface Seen extends RequestHead {
  readonly body: string;
}

type Reply = (seen: Seen, answer: AnswerWriter) => void;

interface Outside extends Disposable {
  readonly fetch: typeof fetch;
  readonly seen: Seen[];
  /** Requests that the app gave up. */
  readonly aborted: string[];
}

/** What is at the other end decides by the path what it answers. */
function egress(replies: Readonly<Record<string, Reply>>, told: Pick<Outside, 'seen' | 'aborted'>) {
  const answerer: Answerer = (head, whole, answer) => {
    let body = Buffer.from(whole ?? []).toString();
    const reply = () => {
      const seen = { ...head, body };
      told.seen.push(seen);
      const { pathname } = new URL(head.url);
      const found = replies[pathname];
      if (found === undefined) answer.head({ status: 404, headers: [] }, Buffer.from('nothing'));
      else found(seen, answer);
    };
    if (!head.hasBody) queueMicrotask(reply);
    return {
      onData: (bytes) => {
        body += Buffer.from(bytes).toString();
        answer.consume(bytes.length);
      },
      onEnd: reply,
      onAbort: () => void told.aborted.push(head.url),
      onDrain: () => undefined,
    };
  };
  return answerer;
}

function openOutside(replies: Readonly<Record<string, Reply>> = {}): Outside {
  const { port1, port2 } = new MessageChannel();
  const told = { seen: [], aborted: [] };
  const link = new PortLink(port1);
  const answerer = egress(replies, told);
  const member = new Exchanges({
    ...{ link: new PortLink(port2), side: 'member', answerer: undefined },
    onFrame: () => undefined,
  });
  void new Exchanges({ link, side: 'pool', answerer, onFrame: () => undefined });
  const begin = member.begin.bind(member);
  return { fetch: createFetch(begin, fetch), ...told, [Symbol.dispose]: () => link.close() };
}

function whole(text: string | Buffer, head: Partial<ResponseHead> = {}): Reply {
  return (_seen, answer) => {
    answer.head({ status: 200, headers: [], ...head }, Buffer.from(text));
  };
}

function redirect(status: number, location: string): Reply {
  return whole('moved', { status, headers: ['location', location] });
}

function headerOf({ headers }: Seen, name: string): string | undefined {
  const at = headers.findIndex((each, index) => index % 2 === 0 && each === name);
  return at === -1 ? undefined : headers[at + 1];
}

const THERE = 'http://there.example';

describe('fetch over a link', () => {
  it('brings back status, headers and body, and where they are from', async () => {
    const headers = ['content-type', 'text/plain', 'set-cookie', 'a=1', 'set-cookie', 'b=2'];
    using outside = openOutside({ '/a': whole('grüße', { status: 201, headers }) });
    const response = await outside.fetch(`${THERE}/a?b#c`);
    assert.ok(response instanceof Response);
    const { status, ok, url, redirected, type } = response;
    assert.deepEqual(
      { status, ok, url, redirected, type },
      { status: 201, ok: true, url: `${THERE}/a?b#c`, redirected: false, type: 'basic' },
    );
    assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2']);
    const copy = response.clone();
    assert.equal(copy.url, response.url);
    assert.equal(await response.text(), 'grüße');
    assert.equal(await copy.text(), 'grüße');
    assert.equal(outside.seen[0]?.url, `${THERE}/a?b`);
    assert.equal(outside.seen[0]?.method, 'GET');
    assert.equal(headerOf(outside.seen[0], 'accept'), '*/*');
  });

  it('sends what bodies are made of', async () => {
    using outside = openOutside({ '/': whole('taken') });
    const post = (body: NonNullable<RequestInit['body']>) =>
      outside.fetch(THERE, { method: 'POST', body });
    await post('text');
    await post(new URLSearchParams({ a: '1' }));
    await post(Buffer.from('bytes'));
    await post(ReadableStream.from([Buffer.from('in '), Buffer.from('pieces')])).catch(
      (thrown: Error) => assert.match(thrown.message, /duplex/),
    );
    const stream = ReadableStream.from([Buffer.from('in '), Buffer.from('pieces')]);
    await outside.fetch(THERE, { method: 'POST', body: stream, duplex: 'half' });
    await outside.fetch(new Request(THERE, { method: 'PUT', body: 'of a request' }));
    assert.deepEqual(
      outside.seen.map(({ body }) => body),
      ['text', 'a=1', 'bytes', 'in pieces', 'of a request'],
    );
    const [text, form, bytes] = outside.seen;
    assert.ok(text && form && bytes);
    assert.equal(headerOf(text, 'content-type'), 'text/plain;charset=UTF-8');
    assert.equal(headerOf(text, 'content-length'), '4');
    assert.match(headerOf(form, 'content-type') ?? '', /x-www-form-urlencoded/);
    assert.equal(headerOf(bytes, 'content-type'), undefined);
  });

  it('streams what comes in pieces, and undoes its coding', async () => {
    const text = 'a'.repeat(MIB);
    const inPieces =
      (coded: Buffer, coding: string): Reply =>
      (_seen, answer) => {
        answer.head({ status: 200, headers: ['content-encoding', coding, 'content-length', '9'] });
        for (const byte of coded.subarray(0, 20)) answer.write(Buffer.of(byte));
        answer.write(coded.subarray(20));
        answer.end();
      };
    using outside = openOutside({
      '/gzip': inPieces(gzipSync(text), 'gzip'),
      '/br': inPieces(brotliCompressSync(text), 'br'),
      '/whole': whole(gzipSync('short'), { headers: ['content-encoding', 'gzip'] }),
      '/broken': whole('not gzip at all', { headers: ['content-encoding', 'gzip'] }),
    });
    for (const path of ['/gzip', '/br']) {
      const response = await outside.fetch(THERE + path);
      assert.equal(response.headers.get('content-encoding'), null);
      assert.equal(response.headers.get('content-length'), null);
      assert.equal(await response.text(), text);
    }
    assert.equal(await (await outside.fetch(`${THERE}/whole`)).text(), 'short');
    await assert.rejects((await outside.fetch(`${THERE}/broken`)).text());
  });

  it('follows redirects as the standard says', async () => {
    using outside = openOutside({
      '/301': redirect(301, '/end'),
      '/303': redirect(303, '/end#there'),
      '/307': redirect(307, '/end'),
      '/away': redirect(308, 'http://elsewhere.example/end'),
      '/end': whole('arrived'),
    });
    const headers = { authorization: 'Bearer x', cookie: 'a=1', 'content-type': 'a/b' };
    const send = async (path: string, method: string) => {
      const body = method === 'GET' ? null : 'body';
      const response = await outside.fetch(THERE + path, { method, headers, body });
      const last = outside.seen.at(-1);
      assert.ok(last);
      assert.equal(await response.text(), 'arrived');
      assert.equal(response.redirected, true);
      return { last, url: response.url };
    };
    const moved = await send('/301', 'POST');
    assert.deepEqual([moved.last.method, moved.last.body], ['GET', '']);
    assert.equal(headerOf(moved.last, 'content-type'), undefined);
    assert.equal(headerOf(moved.last, 'authorization'), 'Bearer x');
    assert.equal((await send('/301', 'PUT')).last.method, 'PUT');
    const seen = await send('/303', 'PUT');
    assert.deepEqual([seen.last.method, seen.url], ['GET', `${THERE}/end#there`]);
    const kept = await send('/307', 'POST');
    assert.deepEqual([kept.last.method, kept.last.body], ['POST', 'body']);
    const away = await send('/away', 'POST');
    assert.deepEqual([away.last.body, away.url], ['body', 'http://elsewhere.example/end']);
    assert.equal(headerOf(away.last, 'authorization'), undefined);
    assert.equal(headerOf(away.last, 'cookie'), undefined);
  });

  it('stops at redirects that it is told not to follow, or cannot', async () => {
    using outside = openOutside({
      '/round': redirect(302, '/round'),
      '/file': redirect(302, 'file:///etc/passwd'),
      '/secret': redirect(302, 'http://user:word@there.example/'),
      '/again': redirect(307, '/end'),
    });
    const causeOf = async (path: string, init: RequestInit = {}): Promise<string> => {
      const thrown: unknown = await outside.fetch(THERE + path, init).catch((error) => error);
      assert.ok(thrown instanceof TypeError && thrown.cause instanceof Error);
      assert.equal(thrown.message, 'fetch failed');
      return thrown.cause.message;
    };
    assert.equal(await causeOf('/round'), 'redirect count exceeded');
    assert.equal(outside.seen.length, 21);
    assert.equal(await causeOf('/round', { redirect: 'error' }), 'unexpected redirect');
    assert.match(await causeOf('/file'), /leads to no HTTP URL/);
    assert.match(await causeOf('/secret'), /a URL with credentials/);
    const body = ReadableStream.from([Buffer.from('x')]);
    const stream = { method: 'POST', body, duplex: 'half' } as const;
    assert.match(await causeOf('/again', stream), /it was a stream/);
    const shown = await outside.fetch(`${THERE}/round`, { redirect: 'manual' });
    assert.deepEqual([shown.status, shown.headers.get('location')], [302, '/round']);
  });

  it('fails as fetch does, with the refusal as cause', async () => {
    const refusal = 'there.example is not among the allowed_hosts of the manifest';
    using outside = openOutside({
      '/denied': (_seen, answer) => answer.fail(new DroverError('permission_denied', refusal)),
      '/cut': (_seen, answer) => {
        answer.head({ status: 200, headers: [] });
        answer.write(Buffer.from('half'));
        answer.fail(new DroverError('unavailable', 'it broke', { reason: 'ECONNRESET' }));
      },
    });
    await assert.rejects(outside.fetch(`${THERE}/denied`), (thrown: Error) => {
      assert.ok(thrown instanceof TypeError && thrown.cause instanceof Error);
      assert.equal(thrown.message, 'fetch failed');
      assert.equal(thrown.cause.message, refusal);
      assert.equal(Reflect.get(thrown.cause, 'code'), 'ERR_ACCESS_DENIED');
      return true;
    });
    const cut = await outside.fetch(`${THERE}/cut`);
    await assert.rejects(cut.text(), { name: 'TypeError', message: 'terminated' });
    await assert.rejects(outside.fetch('no URL'), TypeError);
    await assert.rejects(outside.fetch(THERE, { integrity: 'sha256-x' }), TypeError);
  });

  it('obeys its signal, before, while waiting and in the middle', async () => {
    const asked = Promise.withResolvers<void>();
    using outside = openOutside({
      '/wait': () => asked.resolve(),
      '/endless': (_seen, answer) => {
        answer.head({ status: 200, headers: [] });
        answer.write(Buffer.from('some'));
      },
    });
    await assert.rejects(outside.fetch(THERE, { signal: AbortSignal.abort('words') }), (thrown) => {
      assert.equal(thrown, 'words');
      return true;
    });
    const waiting = new AbortController();
    const waits = outside.fetch(`${THERE}/wait`, { signal: waiting.signal });
    await asked.promise;
    waiting.abort();
    await assert.rejects(waits, { name: 'AbortError' });
    const reading = new AbortController();
    const response = await outside.fetch(`${THERE}/endless`, { signal: reading.signal });
    const reader = response.body?.getReader();
    assert.equal(Buffer.from((await reader?.read())?.value).toString(), 'some');
    const read = reader?.read();
    reading.abort();
    await assert.rejects(Promise.resolve(read), { name: 'AbortError' });
    const cancelled = await outside.fetch(`${THERE}/endless`);
    await cancelled.body?.cancel();
    await outside.fetch(THERE);
    const paths = outside.aborted.map((url) => new URL(url).pathname);
    assert.deepEqual(paths, ['/wait', '/endless', '/endless']);
  });

  it('leaves what needs no network to Node', async () => {
    using outside = openOutside();
    assert.equal(await (await outside.fetch('data:text/plain,hello')).text(), 'hello');
    assert.equal(outside.seen.length, 0);
  });
});

describe('an app in a process that fetches', () => {
  it('gets there by way of the link alone', async () => {
    const told = { seen: [] as Seen[], aborted: [] };
    const refusal = 'closed.example is not among allowed_hosts';
    const answerer = egress(
      {
        '/open': (seen, answer) => {
          answer.head({ status: 200, headers: [] }, Buffer.from(`${seen.method} ${seen.body}`));
        },
        '/closed': (_seen, answer) => answer.fail(new DroverError('permission_denied', refusal)),
      },
      told,
    );
    await using member = openTestMember('process', answerer);
    await member.become('fetching');
    const through = (path: string) => `/?url=${encodeURIComponent(THERE + path)}`;
    const open = await member.ask(through('/open'), { method: 'POST', body: 'payload' });
    assert.deepEqual([open.status, open.text], [200, 'POST payload']);
    const closed = await member.ask(through('/closed'));
    assert.equal(closed.status, 502);
    assert.deepEqual(JSON.parse(closed.text), {
      ...{ name: 'TypeError', message: 'fetch failed' },
      ...{ why: refusal, code: 'ERR_ACCESS_DENIED' },
    });
  });
});
