/**
 * Sends one file over https, chunked and without a length, as an ESXi sends the disks of a lease.
 * Started by openChildServer, so that its work counts alike for whoever it sends to.
 *
 *   node bench/serve-disk.ts FILE PEM
 *
 * PEM holds the key and the certificate.
 */
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { serveUntilTold } from './serve-until-told.ts';

const PIECE_BYTES = 256 * 1024;

const [file, pem] = process.argv.slice(2);
if (file === undefined || pem === undefined) throw new Error('which file, and by whose name?');

const pair = await readFile(pem);
const server = createServer({ key: pair, cert: pair }, (_request, response) => {
  response.setHeader('content-type', 'application/x-vnd.vmware-streamVmdk');
  // Who goes away in the middle has no use for the rest.
  pipeline(createReadStream(file, { highWaterMark: PIECE_BYTES }), response).catch(() => undefined);
});
await serveUntilTold(server, 'https');
