import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { describe, it } from 'node:test';
import { systemClock } from '#kernel/clock.ts';
import type { NameResolver, ResolvedAddress } from '#kernel/guarded-lookup.ts';
import type { SendOutcome } from '#webhooks/webhook-sender.ts';
import { HttpWebhookSender, type HttpWebhookSenderOptions } from './http-webhook-sender.ts';

const never = new AbortController().signal;

function addressOf(address: string): ResolvedAddress {
  return { address, family: address.includes(':') ? 6 : 4 };
}

/** Each look-up has the next of the answers; the last one stays. */
function resolverOf(...answers: string[][]): NameResolver & { asked: string[] } {
  const asked: string[] = [];
  const resolve: NameResolver = (name) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(name);
    return Promise.resolve(answer.map(addressOf));
  };
  return Object.assign(resolve, { asked });
}

function createSender(options: Partial<HttpWebhookSenderOptions> = {}): HttpWebhookSender {
  return new HttpWebhookSender({ policy: { allowPrivate: true }, clock: systemClock, ...options });
}

interface OpenServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
}

async function listening(server: Server | TcpServer, onClose = () => {}): Promise<OpenServer> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}/hook`,
    async [Symbol.asyncDispose]() {
      onClose();
      server.close();
      await once(server, 'close');
    },
  };
}

function openServer(listener: RequestListener): Promise<OpenServer> {
  const server = createServer(listener);
  return listening(server, () => server.closeAllConnections());
}

function send(
  sender: HttpWebhookSender,
  url: string,
  { timeoutMs = 5000, signal = never }: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<SendOutcome> {
  const headers = { 'X-Own': 'ä', 'User-Agent': 'test' };
  return sender.send({ url, headers, body: Buffer.from('{"a":"ü"}'), timeoutMs }, signal);
}

function errorOf(outcome: SendOutcome): string {
  assert.ok(outcome.kind === 'failed', JSON.stringify(outcome));
  return outcome.error;
}

describe('the sender of webhooks', () => {
  it('posts the exact bytes with the headers given, and tells of the answer', async () => {
    const seen: string[] = [];
    await using server = await openServer((request, response) => {
      const { host, 'x-own': own, 'content-length': length } = request.headers;
      seen.push(`${request.method} ${request.url} ${host} ${String(own)} ${length}`);
      request.on('data', (chunk: Buffer) => seen.push(chunk.toString()));
      response.writeHead(202, { 'retry-after': '7' }).end('thanks');
    });
    await using sender = createSender();
    const outcome = await send(sender, server.url);
    assert.ok(outcome.kind === 'answered' && outcome.latencyMs >= 0);
    const { latencyMs: _latencyMs, ...rest } = outcome;
    assert.deepEqual(rest, {
      kind: 'answered',
      status: 202,
      retryAfter: '7',
      answerStart: 'thanks',
    });
    assert.deepEqual(seen, [`POST /hook 127.0.0.1:${server.port} ä 10`, '{"a":"ü"}']);
  });

  it('keeps a connection, and gets over one that was closed meanwhile', async () => {
    const ports: (number | undefined)[] = [];
    const server = createServer((request, response) => {
      ports.push(request.socket.remotePort);
      request.resume().on('end', () => response.end());
    });
    await using listener = await listening(server);
    await using sender = createSender();
    for (let count = 0; count < 3; count += 1) await send(sender, listener.url);
    assert.equal(new Set(ports).size, 1);
    server.closeAllConnections();
    assert.equal((await send(sender, listener.url)).kind, 'answered');
    assert.equal(new Set(ports).size, 2);
  });

  for (const status of [301, 302, 303, 307, 308]) {
    it(`does not follow a ${status} to the metadata service, nor anywhere`, async () => {
      let asked = 0;
      await using server = await openServer((_request, response) => {
        asked += 1;
        const location = asked === 1 ? 'http://169.254.169.254/' : '/elsewhere';
        response.writeHead(status, { location }).end();
      });
      await using sender = createSender();
      const outcome = await send(sender, server.url);
      assert.equal(outcome.kind === 'answered' && outcome.status, status);
      assert.equal(asked, 1);
    });
  }

  it('reads 64 KiB of an answer at most', async () => {
    let written = 0;
    await using server = await openServer((_request, response) => {
      const chunk = Buffer.alloc(16 * 1024, 'x');
      const more = () => {
        while (!response.destroyed && written < 1e9) {
          written += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', more);
        }
      };
      more();
    });
    await using sender = createSender();
    const outcome = await send(sender, server.url);
    assert.ok(outcome.kind === 'answered' && outcome.answerStart.length === 1024);
    assert.ok(written < 64 * 1024 * 1024, String(written));
  });

  it('ends an attempt at its time, whatever part of it takes long', async () => {
    const hanging: RequestListener[] = [
      () => {},
      (_request, response) => void response.writeHead(200).write('x'),
    ];
    for (const listener of hanging) {
      await using server = await openServer(listener);
      await using sender = createSender();
      const error = errorOf(await send(sender, server.url, { timeoutMs: 50 }));
      assert.equal(error, 'no complete answer within 50 ms');
    }
    await using sender = createSender({ resolve: () => new Promise(() => {}) });
    const error = errorOf(await send(sender, 'http://slow.example/', { timeoutMs: 50 }));
    assert.equal(error, 'no complete answer within 50 ms');
  });

  it('throws when it is told to stop', async () => {
    await using server = await openServer(() => stop.abort(new Error('stop')));
    const stop = new AbortController();
    await using sender = createSender();
    await assert.rejects(send(sender, server.url, { signal: stop.signal }), /stop/);
  });

  it('says in plain words what went wrong, and nothing about the network', async () => {
    await using sender = createSender();
    const closed = await openServer(() => {});
    await closed[Symbol.asyncDispose]();
    assert.equal(errorOf(await send(sender, closed.url)), 'the connection was refused');

    await using rude = await openServer((request) => request.socket.destroy());
    assert.match(errorOf(await send(sender, rude.url)), /broke the connection off/);

    await using alien = await listening(
      createTcpServer((socket) => {
        // Unless somebody reads, the end of the connection is never noticed.
        socket.resume().on('error', () => {});
        socket.end('SSH-2.0-OpenSSH\r\n');
      }),
    );
    assert.match(errorOf(await send(sender, alien.url)), /not HTTP/);
    const secure = alien.url.replace('http:', 'https:');
    assert.match(errorOf(await send(sender, secure)), /TLS/);
  });
});

describe('a name', () => {
  const strict = { policy: { allowPrivate: false } };

  for (const address of ['127.0.0.1', '10.0.0.1', '::1', '::ffff:127.0.0.1', '169.254.169.254']) {
    it(`that stands for ${address} is not connected to`, async () => {
      await using sender = createSender({ ...strict, resolve: resolverOf([address]) });
      assert.match(errorOf(await send(sender, 'http://innocent.example/')), /^the URL leads to/);
    });
  }

  it('that is public when registered and private when called is not connected to', async () => {
    let called = false;
    await using server = await openServer((_request, response) => {
      called = true;
      response.end();
    });
    const resolve = resolverOf(['93.184.216.34'], ['127.0.0.1']);
    await using sender = createSender({ ...strict, resolve });
    const url = new URL(`http://rebind.example:${server.port}/`);
    assert.equal(sender.refusalOf(url), undefined);
    await resolve('rebind.example');
    assert.match(errorOf(await send(sender, url.href)), /loopback/);
    assert.equal(called, false);
  });

  it('is looked up once, and connected to where that look-up said', async () => {
    await using server = await openServer((_request, response) => response.end());
    // Were it asked again between the judgement and the connection, it would lead elsewhere.
    const resolve = resolverOf(['127.0.0.1'], ['169.254.169.254']);
    await using sender = createSender({ resolve });
    const outcome = await send(sender, `http://rebind.example:${server.port}/`);
    assert.equal(outcome.kind, 'answered');
    assert.deepEqual(resolve.asked, ['rebind.example']);
  });

  it('with good and bad addresses is connected to by the good ones', async () => {
    await using server = await openServer((_request, response) => response.end());
    const resolve = resolverOf(['169.254.169.254', 'fe80::1', '127.0.0.1']);
    await using sender = createSender({ resolve });
    assert.equal((await send(sender, `http://both.example:${server.port}/`)).kind, 'answered');
  });

  it('that nobody knows is told as that', async () => {
    await using sender = createSender({ resolve: resolverOf([]) });
    assert.match(errorOf(await send(sender, 'http://nobody.example/')), /name/);
  });
});
