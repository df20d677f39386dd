/** A listener on a free port of the loopback, with its log kept. */
import type { FastifyInstance } from 'fastify';
import { systemClock } from '#kernel/clock.ts';
import { openListener, type Listener, type OpenListenerOptions } from '#surfaces/edge/listener.ts';
import { createLogCapture, type LogCapture } from './log-capture.ts';

export interface TestListener extends AsyncDisposable {
  readonly listener: Listener;
  readonly url: string;
  readonly port: number;
  readonly logged: LogCapture;
}

export async function openTestListener(
  build: (app: FastifyInstance) => void | Promise<void>,
  options: Partial<OpenListenerOptions> = {},
): Promise<TestListener> {
  const logged = createLogCapture();
  const listener = await openListener({
    host: '127.0.0.1',
    port: 0,
    clock: systemClock,
    log: logged.log,
    build,
    ...options,
  });
  return {
    listener,
    url: listener.url,
    port: listener.port,
    logged,
    [Symbol.asyncDispose]: () => listener.drain(),
  };
}
