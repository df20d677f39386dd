/** Errors as they cross a link: the kind survives, and what is for the log alone stays apart. */
import { inspect } from 'node:util';
import { DroverError, ERROR_KINDS, toDroverError } from '#kernel/errors.ts';
import type { WireError } from './frames.ts';

const MOST_TEXT = 4096;
const REASON = /^[A-Z][A-Z0-9_]{0,63}$/;

export function errorToWire(thrown: unknown): WireError {
  const { kind, message, reason } = toDroverError(thrown);
  const error = { kind, message: message.slice(0, MOST_TEXT), reason };
  if (thrown instanceof DroverError) return error;
  return { ...error, detail: inspect(thrown).slice(0, MOST_TEXT) };
}

/** The other side may be anybody's: whatever does not fit becomes the nearest that does. */
export function parseWireError(value: unknown): WireError {
  const { kind, message, reason, detail } = Object(value) as Record<string, unknown>;
  const known = ERROR_KINDS.find((each) => each === kind) ?? 'internal';
  const text = typeof message === 'string' ? message.slice(0, MOST_TEXT) : 'no reason was given';
  const word = typeof reason === 'string' && REASON.test(reason) ? reason : known.toUpperCase();
  const error = { kind: known, message: text, reason: word };
  return typeof detail === 'string' ? { ...error, detail: detail.slice(0, MOST_TEXT) } : error;
}

export function wireToError(wire: WireError): DroverError {
  const { kind, message, reason, detail } = parseWireError(wire);
  const known = ERROR_KINDS.find((each) => each === kind) ?? 'internal';
  return new DroverError(known, message, {
    reason,
    ...(detail === undefined ? {} : { context: { detail } }),
  });
}
