/**
 * Jobs as they change, over the WebSocket of the API migration.
 *
 *   connecting ── it opens ──▶ open ── it is lost ──▶ connecting, after a wait
 *        └──────────────── close() ──────────────────▶ closed
 *
 * The wait doubles with every try up to half a minute, is varied so that a thousand clients do not
 * come back at once, and starts over when a message came. Every connection begins with the status
 * and the newest jobs, so whoever comes back knows how things stand.
 */
import type { Job } from './migration-shapes.ts';

export interface LiveStatus {
  total_jobs: number;
  running_jobs: number;
  completed_jobs: number;
  failed_jobs: number;
  cancelled_jobs: number;
  pending_jobs: number;
}

export interface ScheduleNews {
  schedule_id: string;
  event: 'triggered' | 'completed' | 'failed';
  schedule_name: string;
  job_id: string | null;
  message: string;
}

/** Each is called with what came. */
export interface JobFeedEvents {
  onStatus?(status: LiveStatus): void;
  /** The newest, with each connection. */
  onJobs?(jobs: Job[]): void;
  onJob?(job: Job): void;
  onSchedule?(news: ScheduleNews): void;
  /** The connection was lost or could not be made; it is tried again. */
  onLost?(): void;
}

export interface JobFeed {
  close(): void;
}

export interface JobFeedOptions {
  /** With `ws://` or `wss://`. */
  readonly url: string;
  readonly token: string | undefined;
  readonly firstRetryMs: number;
}

const LONGEST_RETRY_MS = 30_000;
/** Drover tells its status every 2 s: after this the connection is dead. */
const LONGEST_SILENCE_MS = 20_000;

export class ReconnectingJobFeed implements JobFeed {
  readonly #options: JobFeedOptions;
  readonly #events: JobFeedEvents;
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retryMs: number;
  #isClosed = false;

  constructor(options: JobFeedOptions, events: JobFeedEvents) {
    this.#options = options;
    this.#events = events;
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
    const socket = new WebSocket(url, protocols);
    this.#socket = socket;
    this.#expectSoon(socket);
    socket.onmessage = ({ data }) => {
      if (this.#isClosed || socket !== this.#socket) return;
      this.#retryMs = this.#options.firstRetryMs;
      this.#expectSoon(socket);
      this.#tell(JSON.parse(String(data)) as Message);
    };
    socket.onclose = () => this.#lose(socket);
  }

  #expectSoon(socket: WebSocket): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      socket.close();
      // What is dead may take long to close.
      this.#lose(socket);
    }, LONGEST_SILENCE_MS);
  }

  #lose(socket: WebSocket): void {
    if (this.#isClosed || socket !== this.#socket) return;
    this.#socket = undefined;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), this.#retryMs * (0.5 + Math.random() / 2));
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
    this.#events.onLost?.();
  }

  #tell(message: Message): void {
    switch (message.type) {
      case 'status':
        this.#events.onStatus?.(message.data);
        break;
      case 'jobs':
        this.#events.onJobs?.(message.data.jobs);
        break;
      case 'job_update':
        this.#events.onJob?.(message.data);
        break;
      case 'schedule_event':
        this.#events.onSchedule?.(message.data);
        break;
      default:
        // Of a newer server; there is nobody here to tell.
        break;
    }
  }
}

type Message =
  | { readonly type: 'status'; readonly data: LiveStatus }
  | { readonly type: 'jobs'; readonly data: { readonly jobs: Job[] } }
  | { readonly type: 'job_update'; readonly data: Job }
  | { readonly type: 'schedule_event'; readonly data: ScheduleNews };
