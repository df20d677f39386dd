/** The OpenAPI document of this surface. A test compares it with the routes that there are. */
import { OPERATIONS, type Operation } from './openapi-operations.ts';
import { reference, SCHEMAS, type Json } from './openapi-shapes.ts';

export function createOpenApi(version: string): Json {
  return {
    openapi: '3.1.0',
    info: { title: 'Drover migration', version },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: SCHEMAS,
    },
    paths: Object.fromEntries(
      Object.entries(OPERATIONS).map(([path, item]) => [path, pathToJson(path, item)]),
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
