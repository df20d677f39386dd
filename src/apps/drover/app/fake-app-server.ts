/** Answers what a test tells it to, as the server's REST routes would, and keeps what was asked. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface Asked {
  /** `GET /api/v1/apps`, the query with it. */
  readonly call: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

type Answer = object | ((response: ServerResponse, asked: IncomingMessage) => void);

export interface FakeAppServer extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** By `GET /path?query`; a function writes the answer itself, before the body was read. */
  readonly answers: Map<string, Answer>;
  /** As when the server restarts. */
  hangUp(): void;
}

export async function openFakeAppServer(
  answers: Readonly<Record<string, Answer>> = {},
): Promise<FakeAppServer> {
  const known = new Map(Object.entries(answers));
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const call = `${request.method} ${request.url}`;
    const answer = known.get(call);
    if (typeof answer === 'function') {
      asked.push({ call, headers: request.headers, body: Buffer.alloc(0) });
      answer(response, request);
      return;
    }
    void buffer(request).then((body) => {
      asked.push({ call, headers: request.headers, body });
      if (answer === undefined) refuse(response, 404, `nothing is said of ${call}`);
      else response.end(JSON.stringify(answer));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    ...{ asked, answers: known },
    hangUp: () => server.closeAllConnections(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status).end(JSON.stringify({ code: 'x', message }));
}
