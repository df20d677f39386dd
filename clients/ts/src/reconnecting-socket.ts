/**
 * A WebSocket of Drover's that comes back.
 *
 *   connecting ── it opens ──▶ open ── it is lost ──▶ connecting, after a wait
 *        └──────────────── close() ──────────────────▶ closed
 *
 * The wait doubles with every try up to half a minute, is varied so that a thousand clients do not
 * come back at once, and starts over when a message came.
 */
export interface ReconnectingSocketOptions {
  /** Asked for with each connection; with `ws://` or `wss://`. */
  readonly url: () => string;
  readonly token: string | undefined;
  readonly firstRetryMs: number;
  /** After this without a message the connection is dead. */
  readonly longestSilenceMs: number;
  readonly onMessage: (message: unknown) => void;
  /** The connection was lost or could not be made; it is tried again. */
  readonly onLost: () => void;
}

const LONGEST_RETRY_MS = 30_000;

export class ReconnectingSocket {
  readonly #options: ReconnectingSocketOptions;
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retryMs: number;
  #isClosed = false;

  constructor(options: ReconnectingSocketOptions) {
    this.#options = options;
    this.#retryMs = options.firstRetryMs;
    this.#connect();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  #connect(): void {
    const { url, token } = this.#options;
    // A browser sets no Authorization header here, so the token goes as a subprotocol.
    const protocols = token === undefined ? [] : ['drover', `bearer.${token}`];
    const socket = new WebSocket(url(), protocols);
    this.#socket = socket;
    this.#expectSoon(socket);
    socket.onmessage = ({ data }) => {
      if (this.#isClosed || socket !== this.#socket) return;
      this.#retryMs = this.#options.firstRetryMs;
      this.#expectSoon(socket);
      this.#options.onMessage(JSON.parse(String(data)));
    };
    socket.onclose = () => this.#lose(socket);
  }

  #expectSoon(socket: WebSocket): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      socket.close();
      // What is dead may take long to close.
      this.#lose(socket);
    }, this.#options.longestSilenceMs);
  }

  #lose(socket: WebSocket): void {
    if (this.#isClosed || socket !== this.#socket) return;
    this.#socket = undefined;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), this.#retryMs * (0.5 + Math.random() / 2));
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
    this.#options.onLost();
  }
}
