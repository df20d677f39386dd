/**
 * Each server and its parts: the document's three by their names, and any by its id. A part that a
 * server has nothing to say to is answered all the same, empty or null.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ServerSnapshot } from '#fleet/server-snapshot.ts';
import type { ServerRole } from '#fleet/server.ts';
import { DroverError } from '#kernel/errors.ts';
import { isServerId } from '#kernel/ids.ts';
import { found, serve } from './answer.ts';
import type { FleetParts } from './fleet-parts.ts';
import { healthToJson } from './render/health.ts';
import { filesystemToJson, guestToJson, statusToJson } from './render/parts.ts';
import { aiToJson, anyToJson, appToJson, PARTS, storageToJson } from './render/views.ts';

interface Family {
  readonly base: string;
  readonly role: ServerRole;
  readonly whole: (snapshot: ServerSnapshot) => object;
  readonly parts: readonly (keyof typeof PARTS)[];
  readonly find: (request: FastifyRequest) => ServerSnapshot;
}

const COMMON = ['cpu', 'memory', 'storage', 'network'] as const;

export function registerServers(app: FastifyInstance, parts: FleetParts): void {
  for (const family of familiesOf(parts)) registerFamily(app, parts, family);
}

function familiesOf({ fleet }: FleetParts): readonly Family[] {
  const named = (role: ServerRole, name: string) => () => found(fleet.withRole(role), name);
  return [
    {
      ...{ base: '/api/ai-server', role: 'ai', whole: aiToJson, parts: [...COMMON, 'gpu'] },
      find: named('ai', 'server with the role ai'),
    },
    {
      ...{ base: '/api/app-server', role: 'app', whole: appToJson },
      parts: [...COMMON, 'proxmox', 'vms'],
      find: named('app', 'server with the role app'),
    },
    {
      ...{ base: '/api/storage-server', role: 'storage', whole: storageToJson },
      parts: [...COMMON, 'filesystems', 'qdrant'],
      find: named('storage', 'server with the role storage'),
    },
    {
      ...{ base: '/api/servers/:id', role: 'any', whole: anyToJson },
      parts: [...COMMON, 'gpu', 'proxmox', 'vms', 'filesystems', 'qdrant', 'prometheus'],
      find: (request) => {
        const { id } = request.params as { readonly id: string };
        return found(isServerId(id) ? fleet.find(id) : undefined, `server ${id.slice(0, 64)}`);
      },
    },
  ];
}

function registerFamily(app: FastifyInstance, parts: FleetParts, family: Family): void {
  const { base, role, whole, find } = family;
  const serveView = (path: string, view: (it: ServerSnapshot, request: FastifyRequest) => object) =>
    serve(app, parts, {
      path,
      render(request) {
        const snapshot = find(request);
        const body = view(snapshot, request);
        return { write: () => JSON.stringify(body), revision: snapshot.revision };
      },
    });
  serveView(`${base}/`, whole);
  serveView(`${base}/health`, (snapshot) => healthToJson(snapshot, role));
  for (const part of family.parts) serveView(`${base}/${part}`, PARTS[part]);
  if (family.parts.includes('vms')) serveView(`${base}/vms/:vm`, guestOf);
  if (family.parts.includes('filesystems')) serveView(`${base}/filesystems/*`, filesystemOf);
}

function guestOf(snapshot: ServerSnapshot, { params }: FastifyRequest): object {
  const { vm } = params as { readonly vm: string };
  const guest = snapshot.reading.guests?.find(({ id }) => id === vm);
  if (guest === undefined) throw nothing(`VM ${vm.slice(0, 100)}`, 'VM_NOT_FOUND');
  return { vm: guestToJson(guest), server_status: statusToJson(snapshot) };
}

/** The mount point may have its slashes encoded or not, and its first one left out. */
function filesystemOf(snapshot: ServerSnapshot, { params }: FastifyRequest): object {
  const { '*': rest } = params as { readonly '*': string };
  const mountPoint = `/${rest.replace(/^\/+/, '').replace(/\/+$/, '')}`;
  const { filesystems } = snapshot.reading;
  const filesystem = filesystems?.find((each) => each.mountPoint === mountPoint);
  if (filesystem === undefined) {
    throw nothing(`filesystem at ${mountPoint.slice(0, 200)}`, 'FILESYSTEM_NOT_FOUND');
  }
  return { filesystem: filesystemToJson(filesystem), server_status: statusToJson(snapshot) };
}

function nothing(what: string, reason: string): DroverError {
  return new DroverError('not_found', `there is no ${what} on this server`, { reason });
}
