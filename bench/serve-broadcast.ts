/**
 * The peer of live updates: `ws` as its documentation has it, which sends the messages of FILE (a
 * JSON list of texts) to every client in a loop, once a second. Each ends with the instant at which
 * it was made. Started by openChildServer.
 */
import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

const [file = ''] = process.argv.slice(2);
const messages = JSON.parse(await readFile(file, 'utf8')) as readonly string[];
const TIMESTAMP = /"timestamp":"[^"]*"\}$/;

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, backlog: 4096 });
await once(server, 'listening');
const timer = setInterval(() => {
  for (const message of messages) {
    const now = new Date().toISOString();
    const bytes = Buffer.from(message.replace(TIMESTAMP, `"timestamp":"${now}"}`));
    for (const client of server.clients) client.send(bytes, { binary: false });
  }
}, 1000);
const { port } = server.address() as AddressInfo;
process.stdout.write(`ready http://127.0.0.1:${port}\n`);
process.stdin.resume();
await Promise.race([once(process.stdin, 'end'), once(process, 'SIGTERM')]);
clearInterval(timer);
for (const client of server.clients) client.terminate();
server.close();
