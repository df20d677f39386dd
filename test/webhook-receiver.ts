/** Somebody who is told of events, over a real connection. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';

export interface Received {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

export interface WebhookReceiver extends AsyncDisposable {
  readonly url: string;
  /** All that came so far. */
  readonly received: readonly Received[];
  /** The status of each answer; 200 unless it is changed. */
  statusOf: (request: Received) => number | Promise<number>;
  /** The first that came, or the first to come. */
  next(): Promise<Received>;
  /** Resolves once so many have come. */
  until(count: number): Promise<void>;
}

export async function openReceiver(): Promise<WebhookReceiver> {
  const received: Received[] = [];
  let waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', headers, rawHeaders } = request;
      const one = { method, headers, rawHeaders, body: Buffer.concat(chunks) };
      received.push(one);
      for (const { count, resolve } of waiting) if (count <= received.length) resolve();
      waiting = waiting.filter(({ count }) => count > received.length);
      void Promise.try(receiver.statusOf, one).then((status) => response.writeHead(status).end());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('it does not listen');
  const until = async (count: number) => {
    if (received.length >= count) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push({ count, resolve });
    await promise;
  };
  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${address.port}/hook`,
    received,
    statusOf: () => 200,
    until,
    async next() {
      await until(1);
      const [first] = received;
      if (first === undefined) throw new Error('nothing has come');
      return first;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return receiver;
}
