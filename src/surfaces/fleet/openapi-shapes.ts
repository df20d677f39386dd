/** What is answered, for the OpenAPI document. Nearly everything can be unknown: null. */
import { SERVER_STATUSES } from '#fleet/server-snapshot.ts';
import { SERVER_ROLES, SOURCE_KINDS } from '#fleet/server.ts';
import {
  ANY,
  FLAG,
  listOf,
  NUMBER,
  oneOf,
  orNull,
  reference,
  SECRET,
  shape,
  TEXT,
  TIME,
  WHOLE,
  type Json,
} from '#surfaces/edge/openapi-kinds.ts';

const SHARE = orNull({ ...NUMBER, description: 'Of 100' });
const GB = orNull({ ...NUMBER, description: 'In units of 1024³ bytes' });
const MB = orNull({ ...NUMBER, description: 'In units of 1024² bytes' });
const RATE = orNull({ ...WHOLE, description: 'Per second' });
const MAYBE = orNull(NUMBER);
const COUNT = orNull(WHOLE);
const STATUS = oneOf(SERVER_STATUSES, 'docs/fleet-api.md says when it is which');
const ROLES = listOf(oneOf(SERVER_ROLES));
const ORIGIN = oneOf(['builtin', 'config', 'api']);
const QDRANT_STATUS = oneOf(['running', 'error', 'unknown']);

function orNothing(name: string): Json {
  return { oneOf: [reference(name), { type: 'null' }] };
}

const STATUS_FIELDS = {
  status: STATUS,
  last_updated: orNull(TIME),
  uptime_seconds: COUNT,
  response_time_ms: MAYBE,
  reasons: { ...listOf(TEXT), description: 'Why it is not online, the gravest first' },
};

const GUEST_COUNTS = { vm_count: COUNT, running_vms: COUNT };
export const GUEST_HEALTH = {
  ...STATUS_FIELDS,
  ...{ proxmox_status: oneOf(['online', 'offline']), ...GUEST_COUNTS },
};
export const STORAGE_HEALTH = {
  ...STATUS_FIELDS,
  ...{ qdrant_status: QDRANT_STATUS, filesystem_count: COUNT },
  ...{ total_capacity_gb: GB, total_used_gb: GB, average_usage_percent: SHARE },
  total_files: COUNT,
};
const SUMMARY = { status: STATUS, cpu_usage: SHARE, memory_usage: SHARE, response_time_ms: MAYBE };

const COUNTS = {
  last_updated: orNull(TIME),
  ...{ total_servers: WHOLE, online_servers: WHOLE },
  alerts_count: { ...WHOLE, description: 'Rules that fire, and other servers that are offline' },
};

const COMMON = {
  server_status: reference('ServerStatus'),
  ...{ cpu: reference('Cpu'), memory: reference('Memory') },
  ...{ disks: listOf(reference('Disk')), network: listOf(reference('Interface')) },
};
const AI = { ...COMMON, gpu: orNothing('Gpu') };
const APP = { ...COMMON, proxmox_host: reference('Hypervisor'), vms: listOf(reference('Vm')) };
const STORAGE = {
  ...COMMON,
  ...{ filesystems: listOf(reference('FileSystem')), qdrant: orNothing('Qdrant') },
};
const IDENTITY = { id: TEXT, name: TEXT, roles: ROLES, origin: ORIGIN };
const STANDING = { sources: listOf(reference('Source')), alerts: WHOLE, revision: WHOLE };

const PARTS = {
  ServerStatus: shape(STATUS_FIELDS),
  Cpu: shape({
    ...{ usage_percent: SHARE, cores: COUNT, temperature: MAYBE },
    load_average: orNull(listOf(NUMBER)),
    mode_percents: orNull(ANY),
  }),
  Memory: shape({
    ...{ used_gb: GB, total_gb: GB, usage_percent: SHARE, available_gb: GB, cached_gb: GB },
    ...{ swap_used_gb: GB, swap_total_gb: GB },
  }),
  Gpu: shape({
    ...{ name: TEXT, usage_percent: SHARE, memory_used_mb: MB, memory_total_mb: MB },
    ...{ memory_usage_percent: SHARE, temperature: MAYBE, power_draw_w: MAYBE },
    fan_speed_percent: SHARE,
  }),
  Disk: shape({
    ...{ mount_point: TEXT, used_gb: GB, total_gb: GB, usage_percent: SHARE, available_gb: GB },
    filesystem: orNull(TEXT),
  }),
  Interface: shape({
    ...{ interface: TEXT, bytes_sent: RATE, bytes_recv: RATE },
    ...{ packets_sent: RATE, packets_recv: RATE, errors_in: RATE, errors_out: RATE },
    speed_bits_per_second: COUNT,
  }),
  Hypervisor: shape({
    ...{ cpu_usage: SHARE, memory_usage: SHARE, storage_usage: SHARE, uptime_hours: MAYBE },
    ...{ vm_count: COUNT, product: orNull(TEXT) },
  }),
  Vm: shape({
    vmid: { type: ['integer', 'string'], description: 'A text where the ids are no numbers' },
    ...{ name: TEXT, status: TEXT, cpu_usage: SHARE },
    ...{ memory_used_gb: GB, memory_total_gb: GB, memory_usage_percent: SHARE },
    ...{ disk_usage_gb: GB, disk_total_gb: GB, uptime_seconds: COUNT },
  }),
  FileSystem: shape({
    ...{ mount_point: TEXT, used_gb: GB, total_gb: GB, usage_percent: SHARE },
    file_count: { ...COUNT, description: 'Inodes in use' },
    ...{ avg_file_size_mb: MB, largest_file_mb: MB },
  }),
  Qdrant: shape({
    ...{ status: oneOf(['running', 'error']), collections: COUNT, total_points: COUNT },
    disk_usage_gb: GB,
    disk_usage_from: { ...orNull(TEXT), enum: ['telemetry', 'filesystem', null] },
    ...{ memory_usage_mb: MB, version: orNull(TEXT) },
  }),
  Source: shape({
    ...{ kind: oneOf(SOURCE_KINDS), label: TEXT, last_answer: orNull(TIME) },
    ...{ response_time_ms: MAYBE, error: orNull(TEXT), failures: WHOLE },
  }),
};

const SERVERS = {
  AiServer: shape(AI),
  AppServer: shape(APP),
  StorageServer: shape(STORAGE),
  Server: shape({
    ...{ ...IDENTITY, ...AI, ...APP, ...STORAGE, ...STANDING },
    ...{ gpus: listOf(reference('Gpu')), sensors: listOf(shape({ name: TEXT, celsius: NUMBER })) },
    pressure: orNull(ANY),
    disk_io: listOf(ANY),
  }),
  ListedServer: shape({
    ...{ ...IDENTITY, ...GUEST_HEALTH, ...STORAGE_HEALTH, ...SUMMARY, ...STANDING },
    gpu_usage: SHARE,
  }),
  Overview: shape({
    ...{ ai_server: orNothing('AiServer'), app_server: orNothing('AppServer') },
    ...{ storage_server: orNothing('StorageServer'), ...COUNTS },
    servers: listOf(reference('ListedServer')),
  }),
  Summary: shape({
    summary: shape(COUNTS),
    servers: {
      type: 'object',
      description: 'Each by its id, and the first of each role as ai_server and so on',
      additionalProperties: { type: 'object', required: Object.keys(SUMMARY), properties: SUMMARY },
    },
  }),
};

/** Those that are sent and answered are one. */
const SOURCE_FIELDS = {
  ...{ kind: oneOf(SOURCE_KINDS), url: TEXT, instance: TEXT, node: orNull(TEXT) },
  ...{ secret: SECRET, has_secret: FLAG, insecure: FLAG },
  ...{ thumbprint: orNull(TEXT), ca: orNull(TEXT) },
};
const WATCHED = {
  WatchedServer: {
    type: 'object',
    required: ['id', 'sources'],
    properties: {
      ...IDENTITY,
      sources: listOf({ type: 'object', required: ['kind'], properties: SOURCE_FIELDS }),
      ...{ created_at: orNull(TIME), updated_at: orNull(TIME) },
    },
  },
  SourceTest: shape({
    ...{ kind: oneOf(SOURCE_KINDS), label: orNull(TEXT), works: FLAG, error: orNull(TEXT) },
    ...{ trouble: orNull(TEXT), response_ms: MAYBE, tells: listOf(TEXT) },
  }),
};

export const SCHEMAS = {
  Error: {
    type: 'object',
    required: ['message', 'code'],
    properties: {
      ...{ error: TEXT, detail: TEXT, timestamp: TIME, status: oneOf(['error']) },
      ...{ code: TEXT, message: TEXT, details: listOf(ANY), request_id: TEXT },
    },
  },
  ...{ ...PARTS, ...SERVERS, ...WATCHED },
};
