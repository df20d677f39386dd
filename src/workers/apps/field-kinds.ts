/** The kinds of value that a manifest can hold, beside those that any file can. */
import { isIP } from 'node:net';
import { isAbsolute, normalize } from 'node:path/posix';
import { textMatching } from '#kernel/field-kinds.ts';

const LONGEST_PATH = 1024;
const LONGEST_URL_PATH = 1024;
const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Of a file or folder inside the app, written the one way there is to write it. */
export const innerPath = textMatching(
  'a path inside the app, relative and without ..',
  (text) =>
    isPathText(text) &&
    !isAbsolute(text) &&
    !text.split('/').includes('..') &&
    `./${normalize(text)}` !== './.',
);

export const absolutePath = textMatching(
  'an absolute path without ..',
  (text) => isPathText(text) && isAbsolute(text) && !text.split('/').includes('..'),
);

/** Of a request to the app. */
export const urlPath = textMatching(
  'a path that starts with a single /, with a query if need be',
  (text) =>
    text.length <= LONGEST_URL_PATH &&
    /^\/(?!\/)[\u0021-\u007e]*$/.test(text) &&
    !text.includes('#') &&
    !text.includes('\\'),
);

/** What an app may call; see AppBinding. */
export const allowedHost = textMatching(
  'a host, host:port, *.domain, an address, or * for any public host, in lower case',
  (text) => {
    if (text === '*') return true;
    const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
    if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return false;
    if (bracketed !== undefined) return isIP(bracketed) === 6;
    return plain !== undefined && HOST_NAME.test(plain.replace(/^\*\./, ''));
  },
);

function isPathText(text: string): boolean {
  const isShort = text !== '' && Buffer.byteLength(text) <= LONGEST_PATH;
  return isShort && !text.includes('\\') && !CONTROL.test(text);
}
