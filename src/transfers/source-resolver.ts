/** Finds out how to log in to the source that a job or a request names, and does. */
import { DroverError } from '#kernel/errors.ts';
import type { ConnectionService } from './connection-service.ts';
import type { FileSourceOpener, SourceLogin, SourceOpener } from './connection.ts';
import type { Sources } from './migration-parts.ts';
import type { SourceSpec } from './migration-spec.ts';
import type { Source } from './source.ts';

export interface SourceResolverParts {
  readonly connections: Pick<ConnectionService, 'login'>;
  readonly opener: SourceOpener;
  readonly files: FileSourceOpener;
  /** Where nobody says anything; undefined when this process knows of no such source. */
  readonly defaultLogin: () => SourceLogin | undefined;
}

export class SourceResolver implements Sources {
  readonly #parts: SourceResolverParts;

  constructor(parts: SourceResolverParts) {
    this.#parts = parts;
  }

  async open(
    spec: SourceSpec,
    secrets: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Source> {
    if (spec.kind === 'file') return await this.#parts.files.open(spec.path, signal);
    return await this.#parts.opener.open(await this.#loginOf(spec, secrets), signal);
  }

  async #loginOf(
    spec: Exclude<SourceSpec, { readonly kind: 'file' }>,
    { password }: Readonly<Record<string, string>>,
  ): Promise<SourceLogin> {
    switch (spec.kind) {
      case 'default':
        return inDatacenter(this.#parts.defaultLogin() ?? refuseDefault(), spec.datacenter);
      case 'vsphere': {
        if (spec.connection !== undefined) {
          const login = await this.#parts.connections.login(spec.connection);
          return inDatacenter(login, spec.datacenter);
        }
        const { kind, url, username, datacenter, trust } = spec;
        return { kind, url, username, datacenter, trust, password: password ?? '' };
      }
    }
  }
}

function inDatacenter(login: SourceLogin, datacenter = login.datacenter): SourceLogin {
  return { ...login, datacenter };
}

export function refuseDefault(): never {
  throw new DroverError(
    'invalid_argument',
    'source: is missing, and this server has no default: name a connection, give vcenter_url, ' +
      'username and password, or start the server with GOVC_URL, GOVC_USERNAME and GOVC_PASSWORD',
    { reason: 'NO_DEFAULT_SOURCE', metadata: { field: 'source' } },
  );
}
