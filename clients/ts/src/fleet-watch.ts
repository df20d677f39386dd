/**
 * Servers as they change, over the WebSocket of the API fleet. Who comes back asks for what he
 * missed only.
 */
import type { Query } from './drover-http.ts';
import type {
  AiServer,
  AppServer,
  FleetOverview,
  FleetServer,
  StorageServer,
} from './fleet-shapes.ts';
import { ReconnectingSocket } from './reconnecting-socket.ts';

/** Each is called with what came. */
export interface FleetWatchEvents {
  onOverview?(overview: FleetOverview): void;
  /** `name` is an id, or `ai_server` and so on for the first server of a role. */
  onServer?(name: string, server: FleetServer | AiServer | AppServer | StorageServer): void;
  /** The server understood something wrongly. */
  onError?(message: string): void;
  /** The connection was lost or could not be made; it is tried again. */
  onLost?(): void;
}

export interface FleetWatchOptions {
  /** Ids, `ai_server`, `app_server`, `storage_server`, `overview`; all there are if left out. */
  readonly servers?: readonly string[];
}

export interface FleetWatch {
  close(): void;
}

export interface FleetWatchParts {
  /** Of the WebSocket with these parameters, with `ws://` or `wss://`. */
  readonly urlOf: (query: Query) => string;
  readonly token: string | undefined;
  readonly servers: readonly string[] | undefined;
  readonly firstRetryMs: number;
}

/** Drover's heart beats every 30 s: after this the connection is dead. */
const LONGEST_SILENCE_MS = 75_000;

export class ReconnectingFleetWatch implements FleetWatch {
  readonly #events: FleetWatchEvents;
  readonly #socket: ReconnectingSocket;
  #since: string | undefined;

  constructor({ urlOf, token, servers, firstRetryMs }: FleetWatchParts, events: FleetWatchEvents) {
    this.#events = events;
    this.#socket = new ReconnectingSocket({
      url: () => urlOf({ servers: servers?.join(','), since: this.#since }),
      ...{ token, firstRetryMs, longestSilenceMs: LONGEST_SILENCE_MS },
      onMessage: (message) => this.#tell(message as Message),
      onLost: () => this.#events.onLost?.(),
    });
  }

  close(): void {
    this.#socket.close();
  }

  #tell(message: Message): void {
    if (message.event_type === 'error') this.#events.onError?.(message.message);
    if (message.event_type !== 'metrics_update') return;
    this.#since = message.revision;
    if (message.server_type === 'overview') {
      this.#events.onOverview?.(message.data as FleetOverview);
    } else {
      this.#events.onServer?.(message.server_type, message.data as FleetServer);
    }
  }
}

type Message =
  | { readonly event_type: 'connection_established' | 'heartbeat' | 'pong' | 'subscribed' }
  | { readonly event_type: 'error'; readonly message: string }
  | {
      readonly event_type: 'metrics_update';
      readonly server_type: string;
      readonly revision: string;
      readonly data: unknown;
    };
