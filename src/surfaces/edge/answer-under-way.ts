/** Which answer a connection of HTTP/1.1 is at: the last one that was begun on it. */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

const answers = new WeakMap<Duplex, ServerResponse>();

export function noteAnswer(response: ServerResponse): void {
  if (response.socket !== null) answers.set(response.socket, response);
}

/** Undefined when none was begun, or the last one is over. */
export function answerUnderWay(socket: Duplex): ServerResponse | undefined {
  const answer = answers.get(socket);
  return answer?.closed === true ? undefined : answer;
}
