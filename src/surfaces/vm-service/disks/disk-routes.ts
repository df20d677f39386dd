/**
 * Disks that customers bring: `POST /v1/disks` says what will come, `PATCH /v1/disks/{id}` sends
 * it, `GET /v1/disks/{id}` tells how far it is and, at the end, by which path machines name it.
 */
import type { FastifyInstance } from 'fastify';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { registerAppendDisk } from './append-disk-route.ts';
import { diskToJson } from './disk-to-json.ts';
import { parseCustomer, parseDisk, parseDiskRef } from './parse-disk.ts';

export function registerDisks(app: FastifyInstance, parts: VmServiceParts): void {
  const { disks } = parts;
  app.post('/v1/disks', async (request, reply) => {
    const { disk, isNew } = await disks.create(principalOf(request), parseDisk(request.body));
    void reply.code(isNew ? 201 : 200).header('upload-offset', disk.receivedBytes);
    return diskToJson(disk);
  });
  app.get('/v1/disks', async (request) => {
    const all = await disks.list(principalOf(request), parseCustomer(request));
    return { disks: all.map(diskToJson), total: all.length };
  });
  app.get('/v1/disks/:id', async (request, reply) => {
    const disk = await disks.get(principalOf(request), parseDiskRef(request));
    void reply.header('upload-offset', disk.receivedBytes).header('cache-control', 'no-store');
    return diskToJson(disk);
  });
  app.delete('/v1/disks/:id', async (request, reply) => {
    await disks.remove(principalOf(request), parseDiskRef(request));
    void reply.code(204);
  });
  registerAppendDisk(app, parts);
}
