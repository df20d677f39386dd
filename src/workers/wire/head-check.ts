/**
 * Whether a head that a member made may go on to a client or a server. Node throws when it is told
 * to write a header that breaks these rules, and that must not happen in the process of the pool.
 */
import type { FlatHeaders, RequestHead, ResponseHead } from '#workers/exchange.ts';

const MOST_HEADERS = 200;
const MOST_HEADER_CHARS = 64 * 1024;
const MOST_URL_CHARS = 16 * 1024;
const MOST_METHOD_CHARS = 32;
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const URL_TEXT = /^(?:https?|wss?):\/\/[\x21-\x7e]+$/;

/** What is wrong with it, as a sentence for the owner of the app; undefined when nothing is. */
export function responseHeadProblem({ status, headers }: ResponseHead): string | undefined {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    return 'status: must be a whole number from 200 to 599';
  }
  return headersProblem(headers);
}

export function requestHeadProblem({ method, url, headers }: RequestHead): string | undefined {
  if (method.length > MOST_METHOD_CHARS || !TOKEN.test(method)) {
    return `method: must be a word of at most ${MOST_METHOD_CHARS} characters`;
  }
  if (url.length > MOST_URL_CHARS || !URL_TEXT.test(url)) {
    return `url: must be absolute, encoded and at most ${MOST_URL_CHARS} characters long`;
  }
  return headersProblem(headers);
}

function headersProblem(headers: FlatHeaders): string | undefined {
  if (headers.length > 2 * MOST_HEADERS) return `headers: must be at most ${MOST_HEADERS}`;
  let chars = 0;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] ?? '';
    const value = headers[index + 1] ?? '';
    chars += name.length + value.length;
    if (chars > MOST_HEADER_CHARS) {
      return `headers: must be at most ${MOST_HEADER_CHARS} characters together`;
    }
    if (!TOKEN.test(name)) return 'headers: a name must be a token';
    if (!HEADER_VALUE.test(value)) {
      return `headers: the value of ${name.slice(0, 64)} must have no control or wide characters`;
    }
  }
  return undefined;
}
