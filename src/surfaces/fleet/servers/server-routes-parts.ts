import type { ServerService } from '#fleet/server-service.ts';

export interface ServerRoutesParts {
  readonly servers: Pick<ServerService, 'list' | 'get' | 'create' | 'change' | 'remove' | 'test'>;
}

export interface ServerParams {
  readonly Params: { readonly id: string };
}
