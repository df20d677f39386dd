/** What node:http2 leaves to its user: connections without a stream are closed after a while. */
import type { ServerHttp2Session } from 'node:http2';
import type { Clock, Timer } from '#kernel/clock.ts';

/** Closes the session when it had no stream for `idleMs`. */
export function closeWhenIdle(session: ServerHttp2Session, idleMs: number, clock: Clock): void {
  let streams = 0;
  let timer: Timer | undefined;
  const rest = () => {
    timer = clock.after(idleMs, () => session.close());
  };
  session.on('stream', (stream) => {
    streams += 1;
    timer?.cancel();
    stream.once('close', () => {
      streams -= 1;
      if (streams === 0 && !session.closed) rest();
    });
  });
  session.once('close', () => timer?.cancel());
  rest();
}
