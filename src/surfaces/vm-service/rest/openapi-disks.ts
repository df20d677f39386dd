/** The routes of images and of disks that customers bring, for the OpenAPI document. */
import { EXTENTS_TYPE } from '#machines/disk-extents.ts';
import { DISK_FORMATS, DISK_STATES } from '#machines/disk.ts';
import { DISK_BUSES, NIC_MODELS } from '#machines/machine-spec.ts';
import { failures, json, type Json } from './openapi-parts.ts';

const TEXT = { type: 'string' };
const WHOLE = { type: 'integer' };
const orNull = (type: string) => ({ type: [type, 'null'] });
const DISK = { $ref: '#/components/schemas/Disk' };
const IMAGE = { $ref: '#/components/schemas/Image' };
const SECURITY = [{ bearer: [] }];
const ID = { name: 'id', in: 'path', required: true, schema: TEXT };
const CUSTOMER = {
  ...{ name: 'customer_id', in: 'query', required: false, schema: TEXT },
  description: 'Whose disk it is; operators must say it',
};
const UPLOAD_OFFSET = {
  'upload-offset': { schema: WHOLE, description: 'Where the disk goes on' },
};

export const DISK_SCHEMAS: Json = {
  Disk: shape({
    ...{ id: TEXT, customer_id: TEXT, name: TEXT, format: { ...TEXT, enum: DISK_FORMATS } },
    ...{ size_bytes: WHOLE, sha256: orNull('string'), state: { ...TEXT, enum: DISK_STATES } },
    offset: { ...WHOLE, description: 'So many bytes are there for good' },
    checked_bytes: {
      ...orNull('integer'),
      description: 'While it is checking: so many bytes have been looked at',
    },
    path: { ...orNull('string'), description: 'For path_on_host, once it is ready' },
    ...{ created_at: { ...TEXT, format: 'date-time' }, error: orNull('string') },
  }),
  DiskRequest: {
    ...shape({ format: { ...TEXT, enum: DISK_FORMATS }, size_bytes: WHOLE }),
    properties: {
      ...{ id: TEXT, customer_id: TEXT, name: TEXT, format: { ...TEXT, enum: DISK_FORMATS } },
      size_bytes: { ...WHOLE, description: 'Of the image file' },
      sha256: { ...TEXT, description: 'Of the image file, in hexadecimal' },
    },
  },
  Image: shape({
    ...{ name: TEXT, description: TEXT, size_bytes: WHOLE },
    config: {
      ...{ type: 'object', additionalProperties: {} },
      description: 'For CreateVm, as it stands',
    },
    built_at: { ...orNull('string'), format: 'date-time' },
  }),
  Abilities: shape({
    ...{ version: TEXT, may_change: { type: 'boolean' } },
    firmware: listOf({ ...TEXT, enum: ['bios', 'uefi'] }),
    upload_types: listOf(TEXT),
    disk_formats: listOf({ ...TEXT, enum: DISK_FORMATS }),
    disk_interfaces: listOf({ ...TEXT, enum: DISK_BUSES }),
    nic_models: listOf({ ...TEXT, enum: NIC_MODELS }),
    disks: shape({
      ...{ count: WHOLE, max_count: orNull('integer'), bytes: WHOLE },
      ...{ max_bytes: orNull('integer'), available_bytes: WHOLE },
    }),
  }),
};

export const DISK_PATHS: Json = {
  '/v1/images': {
    get: {
      summary: 'List what machines can be made of, by name',
      security: SECURITY,
      responses: {
        200: json('All of them', shape({ images: listOf(IMAGE) })),
        ...failures(401),
      },
    },
  },
  '/v1/abilities': {
    get: {
      summary: 'What machines may be made of here, and what the caller may bring',
      ...{ security: SECURITY, parameters: [CUSTOMER] },
      responses: {
        200: json('The abilities', { $ref: '#/components/schemas/Abilities' }),
        ...failures(400, 401, 403),
      },
    },
  },
  '/v1/disks': {
    get: {
      summary: 'List disks that were brought here, oldest first',
      ...{ security: SECURITY, parameters: [CUSTOMER] },
      responses: {
        200: json('All of them', shape({ disks: listOf(DISK), total: WHOLE })),
        ...failures(400, 401, 403),
      },
    },
    post: {
      summary: 'Say what will come',
      security: SECURITY,
      requestBody: json('The disk', { $ref: '#/components/schemas/DiskRequest' }),
      responses: {
        200: { ...json('The same disk is there already', DISK), headers: UPLOAD_OFFSET },
        201: { ...json('To be sent now', DISK), headers: UPLOAD_OFFSET },
        ...failures(400, 401, 403, 409, 429),
      },
    },
  },
  '/v1/disks/{id}': {
    get: {
      summary: 'Look how far a disk is',
      ...{ security: SECURITY, parameters: [ID, CUSTOMER] },
      responses: {
        200: { ...json('The disk', DISK), headers: UPLOAD_OFFSET },
        ...failures(400, 401, 403, 404),
      },
    },
    patch: {
      summary: 'Send a part of the image, from an offset on',
      security: SECURITY,
      parameters: [
        ID,
        CUSTOMER,
        { name: 'Upload-Offset', in: 'header', required: true, schema: WHOLE },
      ],
      requestBody: {
        content: {
          'application/octet-stream': { schema: TEXT },
          [EXTENTS_TYPE]: {
            schema: { ...TEXT, description: 'Data and lengths of zeros: docs/api.md' },
          },
        },
      },
      responses: {
        200: { ...json('What came is there for good', DISK), headers: UPLOAD_OFFSET },
        ...failures(400, 401, 403, 404, 408, 409, 412, 413, 429, 507),
      },
    },
    delete: {
      summary: 'Remove a disk that no machine has',
      ...{ security: SECURITY, parameters: [ID, CUSTOMER] },
      responses: { 204: { description: 'It is gone' }, ...failures(400, 401, 403, 404, 412) },
    },
  },
};

function shape(properties: Json): Json {
  return { type: 'object', required: Object.keys(properties), properties };
}

function listOf(items: Json): Json {
  return { type: 'array', items };
}
