/**
 * The peers of the pool: the app in FILE without one. Started by openChildServer.
 *
 *   node bench/serve-hello.ts FILE native|adapter|cluster [WORKERS]
 *
 * `adapter` makes a Request of what node:http hands it and writes the Response that the app
 * answers; `cluster` is that in WORKERS processes; `native` knows no Request and writes the bytes.
 */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';

interface FetchApp {
  readonly fetch: (request: Request) => Response | Promise<Response>;
}

const [file = '', mode = '', count = '1'] = process.argv.slice(2);
const { default: app } = (await import(file)) as { readonly default: FetchApp };
const HELLO = 'hello';

function answerNatively(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'text/plain;charset=UTF-8',
    'content-length': HELLO.length,
  });
  response.end(HELLO);
}

async function answerByApp(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { method = 'GET', url = '/', headers, rawHeaders } = incoming;
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    pairs.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '']);
  }
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const request = new Request(`http://${headers.host}${url}`, {
    ...{ method, headers: pairs },
    ...(hasBody && { body: Readable.toWeb(incoming), duplex: 'half' }),
  });
  const response = await app.fetch(request);
  const body = Buffer.from(await response.arrayBuffer());
  const head = [...response.headers].flat();
  outgoing.writeHead(response.status, [...head, 'content-length', String(body.length)]);
  outgoing.end(body);
}

async function listen(): Promise<number> {
  const server = createServer((request, response) => {
    if (mode === 'native') answerNatively(request, response);
    else void answerByApp(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

async function listenInCluster(workers: number): Promise<number> {
  let port = 0;
  for (let at = 0; at < workers; at += 1) {
    // All of them share the port that the first was given.
    const [address] = (await once(cluster.fork(), 'listening')) as [{ readonly port: number }];
    port = address.port;
  }
  return port;
}

if (cluster.isWorker) {
  await listen();
} else {
  const port = mode === 'cluster' ? await listenInCluster(Number(count)) : await listen();
  process.stdout.write(`ready http://127.0.0.1:${port}\n`);
  process.stdin.resume();
  await Promise.race([once(process, 'SIGTERM'), once(process.stdin, 'end')]);
  for (const worker of Object.values(cluster.workers ?? {})) worker?.kill();
  process.exit();
}
