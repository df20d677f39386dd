/** How a child of openChildServer serves: it says where it listens, and ends when it is told to. */
import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** So many connections may come at once. */
const BACKLOG = 4096;

export async function serveUntilTold(
  server: HttpServer | HttpsServer,
  scheme: 'http' | 'https' = 'http',
): Promise<void> {
  server.listen(0, '127.0.0.1', BACKLOG);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`ready ${scheme}://127.0.0.1:${port}\n`);
  process.stdin.resume();
  await Promise.race([once(process.stdin, 'end'), once(process, 'SIGTERM')]);
  server.close();
  server.closeAllConnections();
}
