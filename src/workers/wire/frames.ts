/**
 * What passes between the pool and a member. Each side numbers the exchanges and tasks it begins:
 * the pool's ids are even, the member's odd, so both may ask (a member asks when its app fetches).
 * Exchanges are numbered below FIRST_TASK_ID and tasks from there, each coming round again.
 *
 *   member ▶ hello                      it is there, and generic
 *   pool   ▶ specialise ─▶ specialised | rejected
 *   either ▶ request ─▶ (data* end) ─▶ response (data* end) | abort | fail
 *   pool   ▶ task ─▶ progress* ─▶ result | fail;  abort cancels
 *   pool   ▶ idle, retire                 the hooks onIdle and onTerminate; `retired` answers
 *   member ▶ stats                      every second while it works, and when it settles
 */
import type { RequestHead, ResponseHead } from '#workers/exchange.ts';
import type { AppBinding } from '#workers/worker-app.ts';

export const FIRST_TASK_ID = 2 ** 31;

/** A refusal or failure as it crosses: a kind of the closed set and a sentence. */
export interface WireError {
  readonly kind: string;
  readonly message: string;
  readonly reason: string;
  /** What was really thrown, where that is not for the caller: for a log alone. */
  readonly detail?: string;
}

export interface MemberStats {
  readonly heapUsedBytes: number;
  /** heapTotal + external + what malloc holds, of this isolate: a thread's rss is shared. */
  readonly isolateBytes: number;
  /** 0 to 1, since the report before. */
  readonly utilization: number;
}

export type Frame =
  | { readonly type: 'hello' }
  | { readonly type: 'specialise'; readonly binding: AppBinding }
  | { readonly type: 'specialised' }
  | { readonly type: 'rejected'; readonly error: WireError }
  | {
      readonly type: 'request';
      readonly id: number;
      readonly head: RequestHead;
      /** The whole body when it is short and already there; then no data and no end follow. */
      readonly body: Uint8Array | undefined;
    }
  | {
      readonly type: 'response';
      readonly id: number;
      readonly head: ResponseHead;
      /** Likewise. */
      readonly body: Uint8Array | undefined;
    }
  | { readonly type: 'data'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly type: 'end'; readonly id: number }
  | { readonly type: 'credit'; readonly id: number; readonly byteCount: number }
  | { readonly type: 'abort'; readonly id: number }
  | { readonly type: 'fail'; readonly id: number; readonly error: WireError }
  | {
      readonly type: 'task';
      readonly id: number;
      /** The URL of a module and the name of one of its exports. */
      readonly module: string;
      readonly name: string;
      readonly input: unknown;
    }
  | { readonly type: 'progress'; readonly id: number; readonly value: unknown }
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'idle' }
  | { readonly type: 'retire' }
  | { readonly type: 'retired' }
  | { readonly type: 'stats'; readonly stats: MemberStats };

/** An ordered, reliable way to the other side. Small frames of one turn travel together. */
export interface Link {
  /**
   * `transfer` moves buffers where the medium can; elsewhere they are copied. Throws for a frame
   * that cannot cross; once the link is closed frames are dropped without a word.
   */
  send(frame: Frame, transfer?: readonly ArrayBuffer[]): void;
  /**
   * One receiver; frames that come before it is set wait for it. A receiver that throws closes the
   * link with what it threw: that is the answer to a frame which breaks the protocol.
   */
  receive(handle: (frame: Frame) => void): void;
  /** Called once when nothing more can be sent or received; with why, if it broke. */
  onClose(call: (error: Error | undefined) => void): void;
  /** What was sent still goes out, unless an error says why there is no use in that. */
  close(error?: Error): void;
}
