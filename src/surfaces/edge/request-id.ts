/** One id follows a request through the answer and every log line. */
import { randomHex } from '#kernel/random.ts';

export const REQUEST_ID_HEADER = 'x-request-id';

const SANE = /^[A-Za-z0-9_.-]{1,64}$/;
/** All of these have eight digits. */
const FIRST = 0x1000_0000;
const COUNTER_SPAN = 2 ** 32 - FIRST;

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
    return prefix + (FIRST + count).toString(16);
  };
}
