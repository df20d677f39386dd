/** The API fleet: how servers are, now and as they change. */
import { DroverApiError } from './drover-api-error.ts';
import { DroverHttp } from './drover-http.ts';
import type { ClientOptions, Query } from './drover-http.ts';
import type {
  AiServer,
  AppServer,
  FileSystemMetrics,
  FleetHealth,
  FleetOverview,
  FleetServer,
  GuestMetrics,
  ListedServer,
  StorageServer,
} from './fleet-shapes.ts';
import { ReconnectingFleetWatch } from './fleet-watch.ts';
import type { FleetWatch, FleetWatchEvents, FleetWatchOptions } from './fleet-watch.ts';

const RETRY_MS = 1000;

export class FleetClient {
  readonly #http: DroverHttp;

  /** `baseUrl` is where Drover is, such as `http://localhost:8080`. */
  constructor(baseUrl: string, options: ClientOptions = {}) {
    this.#http = new DroverHttp(baseUrl, options);
  }

  async health(signal?: AbortSignal): Promise<FleetHealth> {
    return await this.#http.json('/api/health', { signal });
  }

  async overview(signal?: AbortSignal): Promise<FleetOverview> {
    return await this.#http.json('/api/servers/overview', { signal });
  }

  async servers(signal?: AbortSignal): Promise<ListedServer[]> {
    const answer = await this.#http.json<{ servers: ListedServer[] }>('/api/servers', { signal });
    return answer.servers;
  }

  async server(id: string, signal?: AbortSignal): Promise<FleetServer> {
    return await this.#http.json(pathOf(id), { signal });
  }

  /** The first server with the role ai. */
  async aiServer(signal?: AbortSignal): Promise<AiServer> {
    return await this.#http.json('/api/ai-server', { signal });
  }

  async appServer(signal?: AbortSignal): Promise<AppServer> {
    return await this.#http.json('/api/app-server', { signal });
  }

  async storageServer(signal?: AbortSignal): Promise<StorageServer> {
    return await this.#http.json('/api/storage-server', { signal });
  }

  async vm(server: string, vmid: number | string, signal?: AbortSignal): Promise<GuestMetrics> {
    const path = `${pathOf(server)}/vms/${encodeURIComponent(vmid)}`;
    return (await this.#http.json<{ vm: GuestMetrics }>(path, { signal })).vm;
  }

  async fileSystem(
    server: string,
    mountPoint: string,
    signal?: AbortSignal,
  ): Promise<FileSystemMetrics> {
    const path = `${pathOf(server)}/filesystems/${encodeURIComponent(mountPoint)}`;
    return (await this.#http.json<{ filesystem: FileSystemMetrics }>(path, { signal })).filesystem;
  }

  /** Calls back with how things stand, and as they change, until the answer is closed. */
  watch(events: FleetWatchEvents, { servers }: FleetWatchOptions = {}): FleetWatch {
    if (typeof WebSocket === 'undefined') {
      const message = 'this runtime has no WebSocket; ask for the overview now and then instead';
      throw new DroverApiError(message, { status: 0, kind: 'unimplemented' });
    }
    const { token } = this.#http;
    const urlOf = (query: Query) => this.#http.url('/ws/metrics', query).replace(/^http/, 'ws');
    return new ReconnectingFleetWatch({ urlOf, token, servers, firstRetryMs: RETRY_MS }, events);
  }
}

function pathOf(server: string): string {
  return `/api/servers/${encodeURIComponent(server)}`;
}
