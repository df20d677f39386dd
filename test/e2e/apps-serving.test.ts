/** Requests to apps through the gateway, answered by workers in processes of their own. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { CUSTOMER, OPERATOR } from '#test/api-client.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';
import { http2Request } from '#test/http2-client.ts';
import { PoolClient } from '#test/pool-client.ts';
import { until } from '#test/until.ts';

const MANIFEST = { max_workers: 1, concurrency: 1000 };
const NAMED_HOST = 'www.shop.test';
const PAGES = {
  'public/index.html': '<p>home',
  'public/site.css': 'p { color: red }',
  'public/docs/index.html': '<p>docs',
};

let server: TestServer;
let client: PoolClient;

before(async () => {
  server = await openTestServer({
    workers: { warm: 1 },
    apps: { domain: 'apps.test', hosts: new Map([[NAMED_HOST, 'answers@1']]) },
  });
  client = new PoolClient(server.url);
  await client.deploy({ app: 'answers', name: 'answers', manifest: MANIFEST });
  await client.deploy({ app: 'echo', name: 'echo' });
  for (const access of ['token', 'operator']) {
    await client.deploy({ app: 'echo', name: `echo-${access}`, manifest: { access } });
  }
  const statics = { directory: 'public', fallback: 'index.html' };
  const site = { app: 'answers', name: 'site', manifest: { static: statics }, files: PAGES };
  await client.deploy(site);
});

after(async () => {
  client?.[Symbol.dispose]();
  await server?.[Symbol.asyncDispose]();
});

interface Followed {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders | http2.IncomingHttpHeaders;
  /** The next of what comes, as text. */
  next(): Promise<string>;
  write(text: string): void;
  end(): void;
  /** As a client does that is not interested any more. */
  leave(): void;
}

type Follow = (path: string, method?: string) => Promise<Followed>;

function nextOf(stream: AsyncIterable<Buffer>): () => Promise<string> {
  const chunks = stream[Symbol.asyncIterator]();
  return async () => {
    const { done, value } = await chunks.next();
    return done === true ? '(over)' : String(value);
  };
}

const followHttp1: Follow = async (path, method = 'GET') => {
  const request = http.request(new URL(path, server.url), { method, agent: false });
  if (method === 'GET') request.end();
  else request.flushHeaders();
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    next: nextOf(answer),
    write: (text) => void request.write(text),
    end: () => void request.end(),
    leave: () => void request.destroy(),
  };
};

const followHttp2: Follow = async (path, method = 'GET') => {
  const session = http2.connect(server.url);
  const stream = session.request(
    { ':path': path, ':method': method },
    { endStream: method === 'GET' },
  );
  stream.once('close', () => session.close());
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  return {
    status: Number(headers[':status']),
    headers,
    next: nextOf(stream as AsyncIterable<Buffer>),
    write: (text) => void stream.write(text),
    end: () => void stream.end(),
    leave: () => stream.close(http2.constants.NGHTTP2_CANCEL),
  };
};

/** What the app has written so far. */
async function logOf(app: string): Promise<string[]> {
  const { text } = await client.read(`/api/v1/apps/${app}/logs?lines=1000`);
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line).line);
}

async function logged(app: string, line: string, times = 1): Promise<void> {
  await until(async () => {
    const lines = await logOf(app);
    return lines.filter((each) => each === line).length >= times || undefined;
  }, `${times} × ${line}`);
}

for (const [protocol, follow] of [
  ['HTTP/1.1', followHttp1],
  ['HTTP/2', followHttp2],
] as const) {
  describe(`an app over ${protocol}`, () => {
    it('answers piece by piece to a body that comes piece by piece', async () => {
      const answer = await follow('/apps/echo/', 'POST');
      for (const text of ['one', 'two', 'three']) {
        answer.write(text);
        assert.equal(await answer.next(), text);
      }
      answer.end();
      assert.equal(await answer.next(), '(over)');
      assert.deepEqual(answer.headers['set-cookie'], ['first=1; Path=/', 'second=2; Path=/']);
    });

    it('sends events one by one, to all who follow', async () => {
      const followers = [
        await follow('/apps/answers/events'),
        await follow('/apps/answers/events'),
      ];
      const say = (body: string) => client.ask('/apps/answers/say', { method: 'POST', body });
      for (const text of ['first', 'second']) {
        assert.equal((await say(text)).status, 204);
        for (const follower of followers) {
          assert.equal(follower.headers['content-type'], 'text/event-stream');
          assert.equal(await follower.next(), `data: ${text}\n\n`);
        }
      }
      followers[0]?.leave();
      await logged('answers', 'a follower left, 1 stay', protocol === 'HTTP/2' ? 2 : 1);
      await say('end');
      assert.equal(await followers[1]?.next(), '(over)');
    });

    it('hears that its caller has gone', async () => {
      const before = await logOf('answers');
      const times = before.filter((line) => line === 'aborted').length + 1;
      const leaving = new AbortController();
      const waiting = leave(protocol, leaving.signal);
      await logged('answers', 'waiting', times);
      leaving.abort();
      await waiting;
      await logged('answers', 'aborted', times);
    });
  });
}

/** Asks for what is never answered, until the signal; resolves when the connection is gone. */
async function leave(protocol: string, signal: AbortSignal): Promise<void> {
  if (protocol === 'HTTP/1.1') {
    const request = http.get(`${server.url}/apps/answers/wait`, { agent: false, signal });
    await assert.rejects(once(request, 'response'), { name: 'AbortError' });
    return;
  }
  const session = http2.connect(server.url);
  const stream = session.request({ ':path': '/apps/answers/wait' });
  signal.addEventListener('abort', () => stream.close(http2.constants.NGHTTP2_CANCEL));
  await once(stream, 'close');
  session.close();
}

describe('the answers of an app', () => {
  it('keep their meaning without a body', async () => {
    const head = await client.ask('/apps/answers/page', { method: 'HEAD' });
    assert.deepEqual([head.status, head.text, head.headers['x-answers']], [200, '', 'yes']);
    for (const code of [204, 205, 304]) {
      const { status, text } = await client.ask(`/apps/answers/status?code=${code}`);
      assert.deepEqual([status, text], [code, '']);
    }
    assert.equal((await client.ask('/apps/answers/status?code=418')).status, 418);
  });

  it('may lead elsewhere, as does the app without its slash', async () => {
    const left = await client.ask('/apps/answers/leave');
    assert.deepEqual([left.status, left.headers.location], [302, `${server.url}/elsewhere`]);
    const slash = await client.ask('/apps/answers?a=1');
    assert.deepEqual([slash.status, slash.headers.location], [308, '/apps/answers/?a=1']);
    const version = await client.ask('/apps/answers@1');
    assert.equal(version.headers.location, '/apps/answers@1/');
  });
});

describe('the files of an app', () => {
  const ask = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    client.ask(`/apps/site${path}`, { headers });

  it('come before its code, with a tag to ask by', async () => {
    const css = await ask('/site.css');
    assert.deepEqual([css.status, css.text], [200, PAGES['public/site.css']]);
    assert.equal(css.headers['content-type'], 'text/css; charset=utf-8');
    const same = await ask('/site.css', { 'if-none-match': css.headers.etag ?? '' });
    assert.deepEqual([same.status, same.text], [304, '']);
    assert.equal((await ask('/')).text, '<p>home');
    assert.equal((await ask('/docs')).headers.location, '/apps/site/docs/');
    assert.equal((await ask('/api/list')).text, 'GET /api/list');
  });

  it('come in ranges', async () => {
    const part = await ask('/site.css', { range: 'bytes=4-8' });
    assert.deepEqual([part.status, part.text], [206, 'color']);
    assert.equal(part.headers['content-range'], 'bytes 4-8/16');
    assert.equal((await ask('/site.css', { range: 'bytes=99-' })).status, 416);
  });

  it('have one for every page that an app in the browser makes up', async () => {
    const page = await ask('/deep/in/the/app', { accept: 'text/html,*/*;q=0.8' });
    assert.deepEqual([page.status, page.text], [200, '<p>home']);
    assert.equal((await ask('/deep/x.js', { accept: '*/*' })).text, 'GET /deep/x.js');
  });

  it('do not include the code and the manifest', async () => {
    for (const path of ['/main.ts', '/manifest.json', '/..%2fmain.ts', '/public/index.html']) {
      const { text } = await ask(path);
      assert.doesNotMatch(text, /followers|"entrypoint"|<p>/, path);
    }
  });
});

describe('host names of apps', () => {
  const at = (host: string, path = '/x') => client.ask(path, { headers: { host } });

  it('lead to apps, with or without a port', async () => {
    for (const host of ['answers.apps.test', 'Answers.Apps.Test:8080', NAMED_HOST]) {
      assert.equal((await at(host)).text, 'GET /x', host);
    }
    assert.equal((await at('site.apps.test', '/')).text, '<p>home');
  });

  it('have nothing of the platform below them', async () => {
    for (const path of ['/health', '/metrics', '/api/v1/apps', '/apps/echo/', '/v1/vms']) {
      const { text } = await at(NAMED_HOST, path);
      assert.equal(text, `GET ${path}`);
    }
    const refused = await at('nobody.apps.test', '/health');
    assert.deepEqual([refused.status, refused.reason], [404, 'APP_NOT_FOUND']);
    assert.equal((await at('apps.test', '/health')).json.status, 'healthy');
    assert.equal((await at('a.b.apps.test', '/health')).json.status, 'healthy');
  });

  it('count over HTTP/2 too', async () => {
    const session = http2.connect(server.url);
    const { body } = await http2Request(session, {
      ':path': '/health',
      ':authority': 'answers.apps.test',
    });
    session.close();
    assert.equal(body, 'GET /health');
  });
});

describe('what an app is told of its caller', () => {
  /** As the app has it, asked over both protocols. */
  async function told(app: string, token: string | undefined) {
    const path = `/apps/${app}/json?a=%2F`;
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const { json } = await client.ask(path, { headers });
    const session = http2.connect(server.url);
    const { body } = await http2Request(session, { ':path': path, ...headers });
    session.close();
    const over2 = JSON.parse(body);
    assert.deepEqual(over2.caller, json.caller);
    for (const { url } of [json, over2]) assert.equal(url, `${server.url}/json?a=%2F`);
    return { caller: json.caller, all: JSON.stringify([json, over2]) };
  }

  it('is who it is, and never the token of the platform', async () => {
    const customer = { kind: 'customer', id: '123' };
    const operator = { kind: 'operator', id: 'dev' };
    const cases = [
      ['echo', undefined, undefined],
      ['echo', CUSTOMER, undefined],
      ['echo', OPERATOR, undefined],
      ['echo-token', CUSTOMER, customer],
      ['echo-token', OPERATOR, operator],
      ['echo-operator', OPERATOR, operator],
    ] as const;
    for (const [app, token, caller] of cases) {
      const { all, caller: found } = await told(app, token);
      assert.deepEqual(found, caller, `${app} ${token}`);
      assert.doesNotMatch(all, /dev_|authorization|bearer/i);
    }
  });

  it('has a token that is none of the platform', async () => {
    const { all } = await told('echo', 'of-another-world');
    assert.match(all, /"authorization","Bearer of-another-world"/);
  });

  it('cannot be made up by the caller', async () => {
    const headers = {
      ...{ 'x-drover-caller': 'operator', 'x-forwarded-for': '1.2.3.4', 'x-base': '/evil' },
      ...{ forwarded: 'for=1.2.3.4', 'x-request-id': 'mine' },
    };
    const { json } = await client.ask('/apps/echo/json', { headers });
    const seen = new Map<string, string>(json.headers);
    assert.equal(seen.get('x-drover-caller'), undefined);
    assert.equal(seen.get('forwarded'), undefined);
    assert.equal(seen.get('x-forwarded-for'), '127.0.0.1');
    assert.equal(seen.get('x-base'), '/apps/echo');
    assert.equal(seen.get('x-request-id'), 'mine');
  });
});
