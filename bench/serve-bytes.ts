/**
 * The least that node:http can do: answers every request with the bytes of FILE, as JSON. Started
 * by openChildServer.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const [file = ''] = process.argv.slice(2);
const body = await readFile(file);
const headers = {
  ...{ 'content-type': 'application/json; charset=utf-8', 'content-length': body.length },
};
const server = createServer((_request, response) => {
  response.writeHead(200, headers);
  response.end(body);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
process.stdout.write(`ready http://127.0.0.1:${port}\n`);
process.stdin.resume();
await Promise.race([once(process.stdin, 'end'), once(process, 'SIGTERM')]);
server.close();
server.closeAllConnections();
