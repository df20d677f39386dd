/** A page that is opened at a path which no API has: the web page's own addresses. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { READING_METHODS } from './cross-site.ts';
import { weightOf } from './accept.ts';

type AnswerPage = (request: FastifyRequest, reply: FastifyReply) => void;

export class Navigations {
  #answer: AnswerPage | undefined;

  /** There is one page at the most on a listener. */
  register(answer: AnswerPage): void {
    this.#answer = answer;
  }

  /** Answers a person's browser, and leaves programs to whoever says what is wrong. */
  answer(request: FastifyRequest, reply: FastifyReply): boolean {
    if (this.#answer === undefined || !isNavigation(request)) return false;
    this.#answer(request, reply);
    return true;
  }
}

/** Only browsers name HTML, and would rather have it than JSON. */
function isNavigation({ method, headers: { accept = '' } }: FastifyRequest): boolean {
  if (!READING_METHODS.has(method) || !accept.includes('text/html')) return false;
  return weightOf(accept, 'text/html') > weightOf(accept, 'application/json');
}
