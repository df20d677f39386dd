/**
 * The peer of Drover's RPC: connect-node as its documentation sets it up, nothing added, and one
 * method that answers a constant. Started by openChildServer.
 *
 *   node bench/serve-constant.ts http1|http2 BASE64
 *
 * BASE64 is the GetVmInfoResponse to answer.
 */
import { once } from 'node:events';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import { fromBinary } from '@bufbuild/protobuf';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { GetVmInfoResponseSchema, VmService } from '#gen/vmprovisioner/v1/vm_pb.js';

const [protocol, encoded = ''] = process.argv.slice(2);
const answer = fromBinary(GetVmInfoResponseSchema, Buffer.from(encoded, 'base64'));
const handler = connectNodeAdapter({
  routes: (router) => {
    router.service(VmService, { getVmInfo: () => answer });
  },
});
const server = protocol === 'http2' ? http2.createServer(handler) : http.createServer(handler);
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
if (address === null || typeof address === 'string') throw new Error('it listens on a TCP port');
process.stdout.write(`ready http://127.0.0.1:${address.port}\n`);
process.stdin.resume();
await Promise.race([once(process, 'SIGTERM'), once(process.stdin, 'end')]);
process.exit();
