/** What `connectSSE` answers: the runtime's own EventSource, or something that acts like one. */

/** The part of EventSource that both have. */
export interface EventStream extends EventTarget {
  readonly url: string;
  /** 0 while it connects, also again; 1 while it is open; 2 when it is closed for good. */
  readonly readyState: number;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onerror: ((event: Event) => void) | null;
  /** Ends it; nothing is called afterwards. */
  close(): void;
}

/** Undefined in Node, unless it was started with `--experimental-eventsource`. */
export function nativeEventSource(): (new (url: string) => EventStream) | undefined {
  return Reflect.get(globalThis, 'EventSource') as (new (url: string) => EventStream) | undefined;
}
