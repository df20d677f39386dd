/**
 * The least that node:http can do: answers every request with the bytes of FILE, as JSON. Started
 * by openChildServer.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { serveUntilTold } from './serve-until-told.ts';

const [file = ''] = process.argv.slice(2);
const body = await readFile(file);
const headers = {
  ...{ 'content-type': 'application/json; charset=utf-8', 'content-length': body.length },
};
const server = createServer((_request, response) => {
  response.writeHead(200, headers);
  response.end(body);
});
await serveUntilTold(server);
