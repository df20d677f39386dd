/**
 * The port to what a worker runs in. A member is launched generic, and loads one app when told to,
 * or none: platform tasks name their module themselves. An implementation only has to start
 * something that runs `runtime/` at the other end of a link; a machine over vsock can be one.
 */
import type { Answerer } from './exchange.ts';
import type { Link } from './wire/frames.ts';
import type { AppBinding, Isolation } from './worker-app.ts';

export interface LaunchOptions {
  /** Unique among all members ever, fit for a file name. */
  readonly workerId: string;
  /**
   * Undefined launches a generic member. With a binding the member is given what only a start can
   * give (`needsOwnStart`); the app still has to be loaded by the frame `specialise`.
   */
  readonly binding: AppBinding | undefined;
  readonly maxMemoryBytes: number;
  /** One line that the member wrote, to stdout or stderr, without its line end. */
  readonly onOutput: (stream: 'stdout' | 'stderr', line: string) => void;
}

export interface MemberMemory {
  readonly rssBytes: number;
  /** Of it, what is not shared with other members: what its end would free. Unknown of a thread. */
  readonly ownBytes: number | undefined;
  /** `process`: read from the kernel, true. `share`: a thread's part of the process's. */
  readonly source: 'process' | 'share';
}

/** Why a member left. */
export interface MemberEnd {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** A sentence, fit for the owner of the app: never a path of the host. */
  readonly message: string;
}

export interface Member {
  readonly kind: Isolation;
  readonly pid: number | undefined;
  readonly link: Link;
  /** Resolves, never rejects, when nothing of it is left. */
  readonly ended: Promise<MemberEnd>;
  /** Makes it see the app's folder, where a generic member must be shown it; comes first. */
  bind(binding: AppBinding): Promise<void>;
  /** Cheap enough for every second; undefined when it cannot be read. */
  memory(): Promise<MemberMemory | undefined>;
  /** Ends it now, whatever it does; an endless loop is no protection. Waits for `ended`. */
  kill(): Promise<void>;
}

export interface MemberLauncher {
  readonly kind: Isolation;
  /** Whether a generic member cannot become this app. */
  needsOwnStart(binding: AppBinding, maxMemoryBytes: number): boolean;
  /** Resolves when the member has said that it is there; rejects, leaving nothing, otherwise. */
  launch(options: LaunchOptions, signal: AbortSignal): Promise<Member>;
}

/** Answers what apps fetch, who have no network of their own, and decides who may call what. */
export interface Egress extends AsyncDisposable {
  answererFor(binding: AppBinding): Answerer;
}
