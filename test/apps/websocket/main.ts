/** Echoes messages; `bye` closes. A path other than `/` is no place for WebSockets. */
import type { WebSocket } from 'ws';

interface Context {
  upgradeWebSocket(request: Request): { socket: WebSocket; response: Response };
}

export default {
  async fetch(request: Request, context: Context): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === '/throw') throw new Error('no sockets today');
    if (pathname === '/late') {
      context.upgradeWebSocket(request);
      throw new Error('no sockets after all');
    }
    if (pathname !== '/') return new Response('no socket here', { status: 404 });
    const { socket, response } = context.upgradeWebSocket(request);
    // Whoever has to look something up first must not miss a message.
    await Promise.resolve();
    socket.addEventListener('open', () => socket.send('welcome'));
    socket.addEventListener('message', ({ data }) => {
      if (data === 'bye') socket.close(4000, 'as you wish');
      else if (data === 'throw') throw new Error('a listener that fails');
      else if (typeof data === 'string' || data instanceof ArrayBuffer) socket.send(data);
    });
    return response;
  },
};
