/**
 * Tells HTTP/2 with prior knowledge from HTTP/1.1 by the first bytes of a connection, and puts
 * them back. `PRI` decides: no HTTP/1.1 method starts with it.
 */
import type { Socket } from 'node:net';
import type { Clock } from '#kernel/clock.ts';

export type SniffedProtocol = 'http1' | 'http2';

export interface SniffOptions {
  readonly clock: Clock;
  /** A connection that says nothing for this long is closed. */
  readonly timeoutMs: number;
  /** Called once with the socket paused and its bytes put back. */
  readonly onProtocol: (protocol: SniffedProtocol) => void;
}

const PREFACE_START = Buffer.from('PRI');

export function sniffProtocol(socket: Socket, options: SniffOptions): void {
  let seen: Buffer = Buffer.alloc(0);
  const timer = options.clock.after(options.timeoutMs, () => socket.destroy());
  const stop = () => {
    timer.cancel();
    socket.off('data', onData);
    socket.off('close', stop);
    socket.off('end', onEnd);
  };
  const onEnd = () => socket.destroy();
  const onData = (chunk: Buffer) => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, PREFACE_START.length);
    const isPossible = PREFACE_START.compare(seen, 0, length, 0, length) === 0;
    if (isPossible && length < PREFACE_START.length) return;
    stop();
    socket.pause();
    socket.unshift(seen);
    options.onProtocol(isPossible ? 'http2' : 'http1');
  };
  socket.on('data', onData);
  socket.on('close', stop);
  socket.on('end', onEnd);
}
