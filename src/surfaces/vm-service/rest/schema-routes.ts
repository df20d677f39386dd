/** What describes the API to programs: the proto files, and an OpenAPI document of the routes. */
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';

const PUBLIC = { config: { public: true } };
const PROTO_FILES = [
  'vmprovisioner/v1/vm.proto',
  'metal/vmprovisioner/v1/vm.proto',
  'drover/v1/machines.proto',
];

export function registerSchemas(app: FastifyInstance, version: string): void {
  app.get('/openapi.json', PUBLIC, async () => {
    const { createOpenApi } = await import('./openapi.ts');
    return createOpenApi(version, PROTO_FILES);
  });
  app.get('/proto', PUBLIC, () => ({ files: PROTO_FILES.map((name) => `/proto/${name}`) }));
  for (const name of PROTO_FILES) {
    // Read once, at start: the set is fixed and small, and no path comes from a caller.
    const text = readFileSync(new URL(`../../../../proto/${name}`, import.meta.url), 'utf8');
    app.get(`/proto/${name}`, PUBLIC, (_request, reply) => {
      void reply.type('text/plain; charset=utf-8').send(text);
    });
  }
}
