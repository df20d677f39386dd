/**
 * The OpenAPI document of the plain HTTP routes. The shapes of answers are derived from the same
 * descriptors that write them, so the document cannot fall behind the code.
 */
import type { DescEnum, DescField, DescMessage } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import { GetVmInfoResponseSchema, ListVmsResponseSchema } from '#gen/vmprovisioner/v1/vm_pb.js';
import { MACHINE_STATES } from '#machines/machine.ts';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '#surfaces/edge/paging.ts';
import { DISK_PATHS, DISK_SCHEMAS } from './openapi-disks.ts';
import { failures, json } from './openapi-parts.ts';
import { ERROR_SCHEMA, HEALTH_SCHEMA } from './openapi-shapes.ts';

type Json = Record<string, unknown>;

const INTEGERS = new Set([
  ScalarType.INT32,
  ScalarType.INT64,
  ScalarType.UINT32,
  ScalarType.UINT64,
]);

/** `protoFiles` are the names below /proto. */
export function createOpenApi(version: string, protoFiles: readonly string[]): Json {
  const schemas: Json = { Error: ERROR_SCHEMA, Health: HEALTH_SCHEMA, ...DISK_SCHEMAS };
  const list = answerReference(ListVmsResponseSchema, schemas);
  const info = answerReference(GetVmInfoResponseSchema, schemas);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Drover vm-service',
      version,
      description:
        'The plain HTTP routes. Everything else is RPC: see /proto for its schema, and call ' +
        'POST /vmprovisioner.v1.VmService/{Method} with JSON.',
    },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas,
    },
    paths: {
      '/v1/vms': { get: listOperation(list) },
      '/v1/vms/{id}': { get: getOperation(info) },
      ...DISK_PATHS,
      '/health': { get: healthOperation() },
      '/metrics': { get: textOperation('Prometheus metrics') },
      '/openapi.json': { get: jsonOperation('This document') },
      '/proto': { get: jsonOperation('The paths of the proto files') },
      ...Object.fromEntries(
        protoFiles.map((name) => [`/proto/${name}`, { get: textOperation(`The file ${name}`) }]),
      ),
    },
  };
}

function listOperation(list: Json): Json {
  const states = MACHINE_STATES.map((state) => `VM_STATE_${state.toUpperCase()}`);
  return {
    summary: 'List machines, newest first',
    security: [{ bearer: [] }],
    parameters: [
      query('state', { type: 'array', items: { type: 'string', enum: states } }),
      query('page_size', {
        type: 'integer',
        minimum: 0,
        maximum: MAX_PAGE_SIZE,
        default: DEFAULT_PAGE_SIZE,
      }),
      query('page_token', { type: 'string' }),
    ],
    responses: { 200: json('One page', list), ...failures(400, 401) },
  };
}

function getOperation(info: Json): Json {
  return {
    summary: 'Look at one machine',
    security: [{ bearer: [] }],
    parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
    responses: { 200: json('The machine', info), ...failures(400, 401, 404) },
  };
}

function healthOperation(): Json {
  const health = { $ref: '#/components/schemas/Health' };
  return {
    summary: 'How the service is',
    responses: { 200: json('Healthy or degraded', health), 503: json('Unhealthy', health) },
  };
}

function textOperation(summary: string): Json {
  const content = { 'text/plain': { schema: { type: 'string' } } };
  return { summary, responses: { 200: { description: summary, content } } };
}

function jsonOperation(summary: string): Json {
  return { summary, responses: { 200: json(summary, { type: 'object' }) } };
}

function query(name: string, schema: Json): Json {
  return { name, in: 'query', required: false, schema };
}

/** An answer as such has every one of its fields, a message that is not set being null. */
function answerReference(message: DescMessage, schemas: Json): Json {
  const properties = message.fields.map((field) => {
    const schema = fieldSchema(field, schemas);
    const isMessage = field.fieldKind === 'message';
    return [field.name, isMessage ? { oneOf: [schema, { type: 'null' }] } : schema] as const;
  });
  const name = schemaName(message);
  schemas[name] = {
    type: 'object',
    required: message.fields.map((field) => field.name),
    properties: Object.fromEntries(properties),
  };
  return { $ref: `#/components/schemas/${name}` };
}

function messageReference(message: DescMessage, schemas: Json): Json {
  const name = schemaName(message);
  if (schemas[name] === undefined) {
    const properties: Json = {};
    const required = message.fields.filter(isAlwaysPresent).map((field) => field.name);
    const schema = { type: 'object', ...(required.length > 0 && { required }), properties };
    // Entered before its fields are looked at: a message may hold itself.
    schemas[name] = schema;
    for (const field of message.fields) properties[field.name] = fieldSchema(field, schemas);
  }
  return { $ref: `#/components/schemas/${name}` };
}

function isAlwaysPresent(field: DescField): boolean {
  const isRepeated = field.fieldKind === 'list' || field.fieldKind === 'map';
  return isRepeated || field.presence === FeatureSet_FieldPresence.IMPLICIT;
}

function schemaName(message: DescMessage): string {
  return message.typeName.replaceAll('.', '_');
}

function fieldSchema(field: DescField, schemas: Json): Json {
  if (field.fieldKind === 'map') {
    return { type: 'object', additionalProperties: { type: 'string' } };
  }
  const one = valueSchema(field, schemas);
  return field.fieldKind === 'list' ? { type: 'array', items: one } : one;
}

function valueSchema(field: DescField, schemas: Json): Json {
  if (field.message !== undefined) return messageReference(field.message, schemas);
  if (field.enum !== undefined) return enumSchema(field.enum);
  const scalar = field.scalar as ScalarType;
  if (INTEGERS.has(scalar)) return { type: 'integer' };
  if (scalar === ScalarType.DOUBLE) return { type: 'number' };
  if (scalar === ScalarType.BOOL) return { type: 'boolean' };
  return { type: 'string' };
}

function enumSchema(desc: DescEnum): Json {
  return { type: 'string', enum: desc.values.map(({ name }) => name) };
}
