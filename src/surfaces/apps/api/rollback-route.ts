/** `POST /api/v1/apps/{name}/rollback`: the version before, or a named one, is current again. */
import type { FastifyInstance } from 'fastify';
import { assertOperator } from '#access/principal.ts';
import { invalidArgument } from '#kernel/errors.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import type { AppsParts } from '#surfaces/apps/apps-parts.ts';
import { appToJson, viewsOf } from './app-to-json.ts';

export function registerRollback(app: FastifyInstance, { apps, pool }: AppsParts): void {
  app.post('/api/v1/apps/:name/rollback', async (request) => {
    assertOperator(principalOf(request));
    const { name } = request.params as { readonly name: string };
    const changed = await apps.rollback(name, parseVersion(request.body));
    return appToJson(changed, viewsOf(pool));
  });
}

function parseVersion(body: unknown): string | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body !== 'object' || Array.isArray(body)) {
    throw invalidArgument('body', 'must be an object, with version or nothing in it');
  }
  const { version, ...others } = body as Readonly<Record<string, unknown>>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw invalidArgument(unknown, 'is not a field here; the only one is version');
  }
  if (version === undefined || (typeof version === 'string' && version !== '')) return version;
  throw invalidArgument('version', 'must be text such as "1.2.0", or left out');
}
