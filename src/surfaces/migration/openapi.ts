/** The OpenAPI document of this surface. A test compares it with the routes that there are. */
import { createOpenApi } from '#surfaces/edge/openapi-document.ts';
import type { Json } from '#surfaces/edge/openapi-kinds.ts';
import { OPERATIONS } from './openapi-operations.ts';
import { SCHEMAS } from './openapi-shapes.ts';

export function createMigrationOpenApi(version: string): Json {
  return createOpenApi({ name: 'migration', version, schemas: SCHEMAS, operations: OPERATIONS });
}
