/** The OpenAPI document of a surface, of a table of what its paths do. */
import { reference, type Json } from './openapi-kinds.ts';

export interface Operation {
  readonly summary: string;
  readonly query?: Json;
  readonly body?: Json;
  readonly isYaml?: boolean;
  /** It is a file, of any kind. */
  readonly isBinary?: boolean;
  /** 200 when left out. */
  readonly status?: number;
  readonly answer: Json;
  readonly failures: readonly number[];
  readonly isPublic?: boolean;
}

/** By path, and then by method in small letters. */
export type Operations = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

export interface OpenApiParts {
  /** Of the surface. */
  readonly name: string;
  readonly version: string;
  /** What failures look like is called `Error`. */
  readonly schemas: Json;
  readonly operations: Operations;
}

export function createOpenApi({ name, version, schemas, operations }: OpenApiParts): Json {
  return {
    openapi: '3.1.0',
    info: { title: `Drover ${name}`, version },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas,
    },
    paths: Object.fromEntries(
      Object.entries(operations).map(([path, item]) => [path, pathToJson(path, item)]),
    ),
  };
}

function pathToJson(path: string, item: Readonly<Record<string, Operation>>): Json {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true, schema: { type: 'string' } },
  }));
  return Object.fromEntries(
    Object.entries(item).map(([method, operation]) => [method, describe(operation, inPath)]),
  );
}

function describe(operation: Operation, inPath: readonly Json[]): Json {
  const { summary, query = {}, body, status = 200, answer, failures, isPublic } = operation;
  const inQuery = Object.entries(query).map(([name, schema]) => ({ name, in: 'query', schema }));
  const refused = content('Refused; the body says why', reference('Error'));
  return {
    summary,
    // A token, or none where the settings allow that.
    ...(isPublic !== true && { security: [{ bearer: [] }, {}] }),
    parameters: [...inPath, ...inQuery],
    ...(body !== undefined && { requestBody: requestBody(body, operation) }),
    responses: {
      [status]: content(summary, answer),
      ...Object.fromEntries(failures.map((code) => [code, refused])),
    },
  };
}

function requestBody(schema: Json, { isYaml = false, isBinary = false }: Operation): Json {
  const media = { schema };
  if (isBinary) return { required: true, content: { 'application/octet-stream': media } };
  const yaml = { 'application/yaml': media, 'application/x-yaml': media, 'text/yaml': media };
  return { content: { 'application/json': media, ...(isYaml && yaml) } };
}

function content(description: string, schema: Json): Json {
  return { description, content: { 'application/json': { schema } } };
}
