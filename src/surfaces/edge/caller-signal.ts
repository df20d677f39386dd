/** Aborts when whoever asked has gone. */
import type { FastifyReply } from 'fastify';
import { DroverError } from '#kernel/errors.ts';

/**
 * By the answer and not by the request, as `request.signal` goes: a request is closed as soon as
 * its form has been read.
 */
export function callerSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (reply.raw.writableEnded) return;
    controller.abort(new DroverError('cancelled', 'the caller has gone'));
  });
  return controller.signal;
}
