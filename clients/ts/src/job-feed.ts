/**
 * Jobs as they change, over the WebSocket of the API migration. Every connection begins with the
 * status and the newest jobs, so whoever comes back knows how things stand.
 */
import type { Job } from './migration-shapes.ts';
import { ReconnectingSocket } from './reconnecting-socket.ts';

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

/** Drover tells its status every 2 s: after this the connection is dead. */
const LONGEST_SILENCE_MS = 20_000;

export class ReconnectingJobFeed implements JobFeed {
  readonly #events: JobFeedEvents;
  readonly #socket: ReconnectingSocket;

  constructor({ url, token, firstRetryMs }: JobFeedOptions, events: JobFeedEvents) {
    this.#events = events;
    this.#socket = new ReconnectingSocket({
      ...{ url: () => url, token, firstRetryMs, longestSilenceMs: LONGEST_SILENCE_MS },
      onMessage: (message) => this.#tell(message as Message),
      onLost: () => this.#events.onLost?.(),
    });
  }

  close(): void {
    this.#socket.close();
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
