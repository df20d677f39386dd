/**
 * Answers of every kind. Whoever follows `/events` hears what others post to `/say`; `/wait` has no
 * answer for anybody; `/socket` echoes, tells by `headers` how it was asked, and ends by `bye`.
 */
import type { WebSocket } from 'ws';

interface Context {
  readonly caller: unknown;
  readonly upgradeWebSocket: (request: Request) => { socket: WebSocket; response: Response };
}

const followers = new Set<ReadableStreamDefaultController<Uint8Array>>();

function follow(): Response {
  let own: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      followers.add((own = controller));
    },
    cancel() {
      if (own !== undefined) followers.delete(own);
      console.log(`a follower left, ${followers.size} stay`);
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

function say(text: string): Response {
  const event = new TextEncoder().encode(`data: ${text}\n\n`);
  for (const follower of followers) {
    if (text === 'end') follower.close();
    else follower.enqueue(event);
  }
  if (text === 'end') followers.clear();
  return new Response(null, { status: 204 });
}

function wait({ signal }: Request): Promise<Response> {
  const { promise, resolve } = Promise.withResolvers<Response>();
  console.log('waiting');
  signal.addEventListener('abort', () => {
    console.log('aborted');
    resolve(new Response('too late'));
  });
  return promise;
}

function enter(request: Request, { caller, upgradeWebSocket }: Context): Response {
  const { socket, response } = upgradeWebSocket(request);
  socket.addEventListener('message', ({ data }) => {
    if (data === 'bye') socket.close(4000, 'as you wish');
    else if (data === 'headers') {
      socket.send(JSON.stringify({ url: request.url, headers: [...request.headers], caller }));
    } else if (typeof data === 'string' || data instanceof ArrayBuffer) socket.send(data);
  });
  socket.addEventListener('close', ({ code, reason }) => console.log(`closed ${code} ${reason}`));
  return response;
}

export default {
  async fetch(request: Request, context: Context): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    switch (pathname) {
      case '/events':
        return follow();
      case '/say':
        return say(await request.text());
      case '/wait':
        return await wait(request);
      case '/socket':
        return enter(request, context);
      case '/leave':
        return Response.redirect(new URL('/elsewhere', request.url), 302);
      case '/status':
        return new Response(null, { status: Number(searchParams.get('code')) });
      default:
        return new Response(`${request.method} ${pathname}`, { headers: { 'x-answers': 'yes' } });
    }
  },
};
