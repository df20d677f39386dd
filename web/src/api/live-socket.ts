/**
 * A WebSocket that comes back.
 *
 *   closed ── open() ──▶ connecting ── opened ──▶ live
 *                            ▲                     │ it ends, or is silent for too long
 *                            └──── waiting ◀───────┘
 *
 * What always holds: there is one socket at the most; the wait doubles up to half a minute, and
 * begins anew once messages came; after `close` nothing is told any more.
 */
import { backoffMs, jitterMs } from '#kernel/backoff.ts';
import { Store } from './store.ts';

const FIRST_WAIT_MS = 500;
const MOST_WAIT_MS = 30_000;

export type LiveState =
  | { readonly kind: 'closed' | 'connecting' }
  | { readonly kind: 'live'; readonly sinceMs: number }
  | { readonly kind: 'waiting'; readonly untilMs: number };

export interface SocketEvents {
  readonly onOpen: () => void;
  readonly onText: (text: unknown) => void;
  readonly onClose: () => void;
}

/** The part of a WebSocket that is used here. */
export interface SocketLike {
  send(text: string): void;
  close(): void;
}

export interface LiveSocketOptions {
  /** `/ws/metrics`, with its query. */
  readonly path: string;
  /** Each message, parsed. What is no JSON is passed over. */
  readonly onMessage: (message: unknown) => void;
  /** Said each time when it is open: subscriptions. */
  readonly greeting?: () => unknown;
  /** Without a message for this long it is taken for dead. Default 75 s. */
  readonly silenceMs?: number;
  /** Where it says how it stands; one of its own if left out. */
  readonly state?: Store<LiveState>;
  /** Tests hand in another. */
  readonly connect?: (path: string, events: SocketEvents) => SocketLike;
}

const SILENCE_MS = 75_000;

export class LiveSocket {
  readonly state: Store<LiveState>;
  readonly #options: LiveSocketOptions;
  #socket: SocketLike | undefined;
  #tries = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LiveSocketOptions) {
    this.#options = options;
    this.state = options.state ?? new Store<LiveState>({ kind: 'closed' });
  }

  open(): void {
    if (this.state.value.kind === 'closed') this.#connect();
  }

  close(): void {
    this.#drop();
    this.state.set({ kind: 'closed' });
  }

  /** Left out while it is not live: the greeting says it all when it is. */
  send(message: unknown): void {
    if (this.state.value.kind === 'live') this.#socket?.send(JSON.stringify(message));
  }

  #connect(): void {
    const { path, connect = connectHere, greeting } = this.#options;
    this.state.set({ kind: 'connecting' });
    this.#expect();
    // What an earlier socket still says is of no interest.
    const ifCurrent = (call: () => void) => () => this.#socket === socket && call();
    const socket: SocketLike = connect(path, {
      onOpen: ifCurrent(() => {
        this.state.set({ kind: 'live', sinceMs: Date.now() });
        const words = greeting?.();
        if (words !== undefined) socket.send(JSON.stringify(words));
      }),
      onText: (text) => ifCurrent(() => this.#hear(text))(),
      onClose: ifCurrent(() => this.#lost()),
    });
    this.#socket = socket;
  }

  #hear(text: unknown): void {
    this.#tries = 0;
    this.#expect();
    const message = parse(text);
    if (message !== undefined) this.#options.onMessage(message);
  }

  /** The next message, or the opening, within the time of silence. */
  #expect(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lost(), this.#options.silenceMs ?? SILENCE_MS);
  }

  #lost(): void {
    this.#drop();
    const waitMs = jitterMs(backoffMs(this.#tries, FIRST_WAIT_MS, MOST_WAIT_MS), Math.random());
    this.#tries += 1;
    this.state.set({ kind: 'waiting', untilMs: Date.now() + waitMs });
    this.#timer = setTimeout(() => this.#connect(), waitMs);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }
}

function parse(data: unknown): unknown {
  try {
    return typeof data === 'string' ? JSON.parse(data) : undefined;
  } catch {
    // Not for us.
    return undefined;
  }
}

function connectHere(path: string, events: SocketEvents): SocketLike {
  const url = new URL(path, location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(url);
  socket.addEventListener('open', events.onOpen);
  socket.addEventListener('message', ({ data }) => events.onText(data));
  socket.addEventListener('close', events.onClose);
  return {
    send: (text) => socket.send(text),
    close: () => {
      // Closed before it is open, browsers take it for a failure and say so.
      if (socket.readyState !== WebSocket.CONNECTING) socket.close();
      else socket.addEventListener('open', () => socket.close());
    },
  };
}
