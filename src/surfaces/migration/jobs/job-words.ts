/** Words that stand where the id of a job could stand, and so are the id of none. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DroverError } from '#kernel/errors.ts';

export interface JobParams {
  readonly Params: { readonly id: string };
}

/** With the methods that they answer to. */
const WORDS: Readonly<Record<string, string>> = {
  submit: 'POST',
  query: 'GET, HEAD, POST',
  cancel: 'POST',
  preflight: 'POST',
};

export function isReservedJobId(id: string): boolean {
  return Object.hasOwn(WORDS, id);
}

/** Whether there is such a job is for the service to say. */
export function jobIdOf(request: FastifyRequest<JobParams>, reply: FastifyReply): string {
  const { id } = request.params;
  if (!isReservedJobId(id)) return id;
  const allow = WORDS[id] ?? '';
  void reply.header('allow', allow);
  const message = `this path does not answer ${request.method}; it answers ${allow}`;
  const facts = { reason: 'METHOD_NOT_ALLOWED', metadata: { allow } };
  throw new DroverError('unimplemented', message, facts);
}
