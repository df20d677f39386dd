/** One id follows a request through the answer and every log line. */
import { randomHex } from '#kernel/random.ts';

export const REQUEST_ID_HEADER = 'x-request-id';

const SANE = /^[A-Za-z0-9_.-]{1,64}$/;
const COUNTER_SPAN = 2 ** 32;

/**
 * Answers the client's own id when it is short and plain, else a new one: eight random digits
 * for this source, then eight that count, which spares a system call for each request.
 */
export function createRequestIdSource(): (header: string | string[] | undefined) => string {
  const prefix = randomHex(4);
  let count = 0;
  return (header) => {
    if (typeof header === 'string' && SANE.test(header)) return header;
    count = (count + 1) % COUNTER_SPAN;
    return `${prefix}${count.toString(16).padStart(8, '0')}`;
  };
}
