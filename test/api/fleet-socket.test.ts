/** The fleet's WebSocket, as the original page talks with it, with a real client. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { WebSocket, type ClientOptions } from 'ws';
import type { TestListener } from '#test/edge-listener.ts';
import { FakeFleet, openFleetListener } from '#test/fleet-fixture.ts';

interface Message {
  readonly event_type: string;
  readonly server_type?: string;
  readonly message?: string;
  readonly data?: object;
  readonly timestamp: string;
}

const NOW = '2025-01-05T20:15:00.000Z';

const fake = new FakeFleet();
let open: TestListener;
let closed: TestListener;
before(async () => {
  await fake.watchDocumented();
  open = await openFleetListener(fake);
  closed = await openFleetListener(fake, { isClosed: true });
});
after(async () => {
  await open[Symbol.asyncDispose]();
  await closed[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

class Page implements Disposable {
  readonly socket: WebSocket;
  readonly #messages: Message[] = [];

  constructor({ port }: TestListener, path = '/ws/metrics', options: ClientOptions = {}) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, options);
    this.socket.on('message', (text: Buffer) => {
      this.#messages.push(JSON.parse(text.toString()) as Message);
    });
  }

  async next(): Promise<Message> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      await once(this.socket, 'message');
    }
  }

  /** The status of the answer, if it was not an upgrade. */
  async refusal(): Promise<number | undefined> {
    const opened = once(this.socket, 'open').then(() => undefined);
    const refused = once(this.socket, 'unexpected-response').then(
      ([, answer]) => (answer as { readonly statusCode: number }).statusCode,
    );
    return await Promise.race([opened, refused]);
  }

  [Symbol.dispose](): void {
    this.socket.on('error', () => undefined);
    this.socket.terminate();
  }
}

describe('WS /ws/metrics', () => {
  it('has the conversation that the original page has', async () => {
    using page = new Page(open);
    assert.deepEqual(await page.next(), {
      ...{ event_type: 'connection_established', message: 'Connected to metrics stream' },
      timestamp: NOW,
    });
    for (const name of ['ai_server', 'app_server', 'storage_server', 'overview']) {
      const { event_type, server_type, data, timestamp } = await page.next();
      assert.deepEqual([event_type, server_type, timestamp], ['metrics_update', name, NOW]);
      const path = name === 'overview' ? 'servers/overview' : name.replace('_', '-');
      const answered = await fetch(`${open.url}/api/${path}`);
      assert.deepEqual(data, await answered.json());
    }
    page.socket.send(JSON.stringify({ type: 'ping', timestamp: NOW }));
    assert.deepEqual(await page.next(), { event_type: 'pong', timestamp: NOW });
    page.socket.send('no JSON');
    assert.deepEqual(await page.next(), {
      ...{ event_type: 'error', message: 'Invalid JSON format', timestamp: NOW },
    });
    await fake.clock.advance(1000);
    page.socket.send(JSON.stringify({ type: 'request_update', timestamp: NOW }));
    assert.equal((await page.next()).event_type, 'metrics_update');
  });

  it('takes an operator where a token is needed, and refuses others', async () => {
    for (const [query, status] of [
      ['', 401],
      ['?token=dev_customer_acme', 403],
      ['?token=dev_operator', undefined],
      ['?token=dev_operator&servers=A', 400],
    ] as const) {
      using page = new Page(closed, `/ws/metrics${query}`);
      assert.equal(await page.refusal(), status, query);
    }
  });

  it('refuses pages of other origins where none is needed', async () => {
    using page = new Page(open, '/ws/metrics', { origin: 'http://evil.test' });
    assert.equal(await page.refusal(), 403);
  });

  it('says over HTTP what it is', async () => {
    const { status, headers } = await fetch(`${open.url}/ws/metrics`);
    assert.equal(status, 426);
    assert.equal(headers.get('upgrade'), 'websocket');
  });
});
