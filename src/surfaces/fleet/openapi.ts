/** The OpenAPI document of this surface. A test compares it with routes and answers. */
import { createOpenApi, type Operation, type Operations } from '#surfaces/edge/openapi-document.ts';
import {
  ANY,
  FLAG,
  listOf,
  oneOf,
  orNull,
  reference,
  shape,
  TEXT,
  TIME,
  type Json,
} from '#surfaces/edge/openapi-kinds.ts';
import { GUEST_HEALTH, SCHEMAS, STORAGE_HEALTH } from './openapi-shapes.ts';

const ENVELOPE = {
  envelope: { ...TEXT, description: '1 wraps the answer as {data, timestamp, status}' },
};
const STATUS = { server_status: reference('ServerStatus') };
const NUMBER_OR_NULL = orNull({ type: 'number' });

export function createFleetOpenApi(version: string): Json {
  return createOpenApi({ name: 'fleet', version, schemas: SCHEMAS, operations: OPERATIONS });
}

/** GET, with and without a slash at the end. */
function get(path: string, summary: string, answer: Json, rest: Partial<Operation> = {}) {
  const failures = [401, 403, 404, 503];
  const operation = { summary, answer, query: ENVELOPE, failures, ...rest };
  const item = { get: operation };
  if (path.endsWith('*')) return { [path]: item };
  return { [path]: item, [`${path}/`]: { get: { ...operation, summary: `The same as ${path}` } } };
}

function orNothing(name: string, key: string): Json {
  const { properties } = shape({
    [key]: { oneOf: [reference(name), { type: 'null' }] },
    ...STATUS,
  });
  return {
    ...{ type: 'object', required: [key, 'server_status'] },
    properties: { ...(properties as Json), message: { ...TEXT, description: 'Why it is null' } },
  };
}

const PARTS = {
  cpu: (base: string) => get(`${base}/cpu`, 'Its processors', part({ cpu: reference('Cpu') })),
  memory: (base: string) =>
    get(`${base}/memory`, 'Its memory', part({ memory: reference('Memory') })),
  storage: (base: string) =>
    get(`${base}/storage`, 'Its mounts', part({ disks: listOf(reference('Disk')) })),
  network: (base: string) =>
    get(`${base}/network`, 'Its links', part({ network: listOf(reference('Interface')) })),
  gpu: (base: string) => get(`${base}/gpu`, 'Its first GPU', orNothing('Gpu', 'gpu')),
  proxmox: (base: string) =>
    get(`${base}/proxmox`, 'Its hypervisor', part({ proxmox_host: reference('Hypervisor') })),
  vms: (base: string) => ({
    ...get(
      `${base}/vms`,
      'The VMs on it',
      part({
        vms: listOf(reference('Vm')),
        ...{ vm_count: NUMBER_OR_NULL, running_vms: NUMBER_OR_NULL },
      }),
    ),
    ...get(`${base}/vms/{vm}`, 'A VM', part({ vm: reference('Vm') })),
  }),
  filesystems: (base: string) => ({
    ...get(
      `${base}/filesystems`,
      'Its file systems',
      part({
        ...{ filesystems: listOf(reference('FileSystem')), total_filesystems: NUMBER_OR_NULL },
        ...{ total_used_gb: NUMBER_OR_NULL, total_capacity_gb: NUMBER_OR_NULL },
      }),
    ),
    ...get(
      `${base}/filesystems/*`,
      'The file system at a mount point, with its slashes encoded or not',
      part({ filesystem: reference('FileSystem') }),
    ),
  }),
  qdrant: (base: string) => get(`${base}/qdrant`, 'Its Qdrant', orNothing('Qdrant', 'qdrant')),
  prometheus: (base: string) =>
    get(`${base}/prometheus`, 'Its series as lines of Prometheus', part({ metrics: listOf(TEXT) })),
};

function part(properties: Json): Json {
  return shape({ ...properties, ...STATUS });
}

const COMMON = ['cpu', 'memory', 'storage', 'network'] as const;

interface Family {
  readonly base: string;
  readonly what: string;
  readonly whole: Json;
  readonly health: Json;
  readonly parts: readonly (keyof typeof PARTS)[];
}

const FAMILIES: readonly Family[] = [
  {
    ...{ base: '/api/ai-server', what: 'the first server with the role ai' },
    ...{ whole: reference('AiServer'), health: reference('ServerStatus') },
    parts: [...COMMON, 'gpu'],
  },
  {
    ...{ base: '/api/app-server', what: 'the first server with the role app' },
    ...{ whole: reference('AppServer'), health: shape(GUEST_HEALTH) },
    parts: [...COMMON, 'proxmox', 'vms'],
  },
  {
    ...{ base: '/api/storage-server', what: 'the first server with the role storage' },
    ...{ whole: reference('StorageServer'), health: shape(STORAGE_HEALTH) },
    parts: [...COMMON, 'filesystems', 'qdrant'],
  },
  {
    ...{ base: '/api/servers/{id}', what: 'a server' },
    ...{ whole: reference('Server'), health: shape({ ...GUEST_HEALTH, ...STORAGE_HEALTH }) },
    parts: [...COMMON, 'gpu', 'proxmox', 'vms', 'filesystems', 'qdrant', 'prometheus'],
  },
];

function familyOf({ base, what, whole, health, parts }: Family): Operations {
  const all = parts.map((name): Operations => PARTS[name](base));
  return Object.assign(
    get(base, `All of ${what}`, whole),
    get(`${base}/health`, `The status of ${what}`, health),
    ...all,
  ) as Operations;
}

const OVERVIEW: Operations = {
  ...get('/api/health', 'Whether this API is well', health(), { failures: [503], isPublic: true }),
  ...get('/api/servers', 'All servers', shape({ servers: listOf(reference('ListedServer')) })),
  ...get('/api/servers/overview', 'The three named servers, and all', reference('Overview')),
  ...get('/api/servers/summary', 'All in a few numbers each', reference('Summary')),
  ...get(
    '/api/metrics/prometheus',
    'The named servers as lines of Prometheus',
    shape({ metrics: listOf(TEXT), timestamp: TIME }),
  ),
};

function health(): Json {
  const healthy = oneOf(['healthy']);
  const prometheus = oneOf(['healthy', 'unhealthy', 'not_configured']);
  const services = shape({ api: healthy, prometheus, websocket: healthy });
  return shape({ status: healthy, timestamp: TIME, services, version: TEXT });
}

const SERVER = reference('WatchedServer');
const MANAGE: Operations = {
  '/api/v1/servers': {
    get: {
      ...{ summary: 'Whom to watch, and by what', answer: shape({ servers: listOf(SERVER) }) },
      failures: [401, 403],
    },
    post: {
      ...{ summary: 'Watch another server', body: SERVER, answer: SERVER, status: 201 },
      failures: [400, 401, 403, 409, 429],
    },
  },
  '/api/v1/servers/{id}': {
    get: { summary: 'One of them', answer: SERVER, failures: [401, 403, 404] },
    put: {
      ...{ summary: 'Change what is given', body: SERVER, answer: SERVER },
      failures: [400, 401, 403, 404, 412],
    },
    delete: {
      ...{ summary: 'Watch it no longer', answer: ANY, status: 204 },
      failures: [401, 403, 404, 412],
    },
  },
  '/api/v1/servers/{id}/test': {
    post: {
      ...{ summary: 'Ask each of its sources now', failures: [401, 403, 404] },
      answer: shape({ id: TEXT, works: FLAG, sources: listOf(reference('SourceTest')) }),
    },
  },
};

const OPERATIONS: Operations = {
  ...OVERVIEW,
  ...(Object.assign({}, ...FAMILIES.map(familyOf)) as Operations),
  ...MANAGE,
  '/ws/metrics': {
    get: {
      ...{ summary: 'A WebSocket that tells of servers as they change', answer: ANY, status: 101 },
      query: {
        servers: { ...TEXT, description: 'Ids, ai_server and so on, overview; with commas' },
        since: { ...TEXT, description: 'The revision of the last message one had' },
        token: TEXT,
      },
      failures: [400, 401, 403, 426, 503],
    },
  },
  '/api/openapi.json': {
    get: { summary: 'This document', answer: ANY, failures: [], isPublic: true },
  },
};
