/** The WebSocket of the surface migration, with real clients on a real listener. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { WebSocket, type ClientOptions } from 'ws';
import { Authenticator } from '#access/authenticator.ts';
import {
  openMigration,
  type MigrationOptions,
  type OpenMigration,
} from '#test/migration-fixture.ts';

interface Message {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** With the messages that came, in order. */
class Follower implements Disposable {
  readonly socket: WebSocket;
  readonly messages: Message[] = [];

  constructor({ port }: OpenMigration, path = '/ws', options: FollowOptions = {}) {
    const { protocols = [], ...rest } = options;
    this.socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, [...protocols], rest);
    this.socket.on('message', (text: Buffer) => {
      this.messages.push(JSON.parse(text.toString()) as Message);
    });
  }

  async until(type: string): Promise<Message> {
    for (;;) {
      const found = this.messages.find((message) => message.type === type);
      if (found !== undefined) return found;
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

interface FollowOptions extends ClientOptions {
  readonly protocols?: readonly string[];
}

const CLOSED: MigrationOptions = {
  parts: { access: { authenticator: new Authenticator({ devMode: true }), anonymous: undefined } },
};
const TOKEN = 'dev_operator';

describe('WS /ws', () => {
  it('tells the status, the jobs, and each job that changes', async () => {
    await using server = await openMigration();
    const { jobs, clock } = server.fake;
    const { id } = jobs.add();
    await clock.advance(60_000);
    using follower = new Follower(server);
    await follower.until('status');
    assert.deepEqual(follower.messages.map(({ type }) => type).slice(0, 2), ['jobs', 'status']);
    jobs.set(id, { state: 'completed' });
    await clock.advance(500);
    const { data } = await follower.until('job_update');
    assert.partialDeepStrictEqual(data, {
      ...{ definition: { id }, status: 'completed', progress: { percent_complete: 100 } },
    });
  });

  const ways: readonly (readonly [what: string, path: string, options: FollowOptions])[] = [
    ['the header', '/ws', { headers: { authorization: `Bearer ${TOKEN}` } }],
    ['a subprotocol', '/ws', { protocols: [`bearer.${TOKEN}`] }],
    ['the query', `/ws?token=${TOKEN}`, {}],
    ['the query, as the original program names it', `/ws?api_key=${TOKEN}`, {}],
    ['the query, from a page of another origin', `/ws?token=${TOKEN}`, { origin: 'http://a.test' }],
  ];
  for (const [what, path, options] of ways) {
    it(`takes a token by ${what}`, async () => {
      await using server = await openMigration(CLOSED);
      using follower = new Follower(server, path, options);
      assert.equal(await follower.refusal(), undefined);
      assert.doesNotMatch(server.logged.text(), /dev_operator/);
    });
  }

  it('speaks the subprotocol that is not the token, when there is one', async () => {
    await using server = await openMigration(CLOSED);
    using follower = new Follower(server, '/ws', { protocols: [`bearer.${TOKEN}`, 'drover'] });
    await once(follower.socket, 'open');
    assert.equal(follower.socket.protocol, 'drover');
  });

  const refused: readonly (readonly [what: string, path: string, status: number])[] = [
    ['nobody', '/ws', 401],
    ['a stranger', '/ws?token=drover_tok_x', 401],
    ['a customer', '/ws?token=dev_customer_acme', 403],
  ];
  for (const [what, path, status] of refused) {
    it(`refuses ${what} where a token is needed`, async () => {
      await using server = await openMigration(CLOSED);
      using follower = new Follower(server, path);
      assert.equal(await follower.refusal(), status);
    });
  }

  it('refuses pages of other origins where none is needed', async () => {
    await using server = await openMigration();
    using foreign = new Follower(server, '/ws', { origin: 'http://evil.test' });
    assert.equal(await foreign.refusal(), 403);
    using own = new Follower(server, '/ws', { origin: server.url });
    assert.equal(await own.refusal(), undefined);
  });

  it('is at its one path alone', async () => {
    await using server = await openMigration();
    using other = new Follower(server, '/ws/other');
    assert.equal(await other.refusal(), 404);
    const plain = await fetch(`${server.url}/ws`);
    assert.equal(plain.status, 426);
    assert.match(((await plain.json()) as { error: string }).error, /is a WebSocket/);
  });

  it('answers 503 when there is no room', async () => {
    await using server = await openMigration({ parts: { maxSockets: 1 } });
    using first = new Follower(server);
    await first.until('jobs');
    using second = new Follower(server);
    assert.equal(await second.refusal(), 503);
  });

  it('closes with the server', async () => {
    await using server = await openMigration();
    using follower = new Follower(server);
    await follower.until('jobs');
    const closed = once(follower.socket, 'close') as Promise<[code: number]>;
    await server.listener.drain();
    assert.equal((await closed)[0], 1001);
  });

  it('drops who sends what is too long', async () => {
    await using server = await openMigration();
    using follower = new Follower(server);
    await follower.until('jobs');
    const closed = once(follower.socket, 'close') as Promise<[code: number]>;
    follower.socket.send('x'.repeat(5000));
    assert.equal((await closed)[0], 1009);
  });
});
