/**
 * Scalars between JSON and protobuf. Requests may write numbers as numbers or as strings, which
 * is how protobuf's own JSON writes 64-bit integers; answers write every integer as a number.
 */
import { ScalarType } from '@bufbuild/protobuf';
import { invalidArgument } from '#kernel/errors.ts';
import { formatPath, wrongType, type JsonPath } from './json-path.ts';

export type ReadJson = (json: unknown, path: JsonPath) => unknown;
/** A protobuf value as JSON text. */
export type WriteJson = (value: unknown) => string;

interface IntegerRange {
  readonly min: bigint;
  readonly max: bigint;
}

const INT32: IntegerRange = { min: -(2n ** 31n), max: 2n ** 31n - 1n };
const UINT32: IntegerRange = { min: 0n, max: 2n ** 32n - 1n };
const INT64: IntegerRange = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const UINT64: IntegerRange = { min: 0n, max: 2n ** 64n - 1n };

const INTEGER = /^-?[0-9]{1,20}$/;
const DECIMAL = /^-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
// Surrogates are here for the halves among them, which have no bytes in UTF-8.
const NEEDS_ESCAPES = /["\\\u0000-\u001f\ud800-\udfff]/;
const MAX_FLOAT = 3.4028234663852886e38;

export function createScalarReader(type: ScalarType): ReadJson {
  switch (type) {
    case ScalarType.STRING:
      return readString;
    case ScalarType.BOOL:
      return readBool;
    case ScalarType.BYTES:
      return readBytes;
    case ScalarType.FLOAT:
      return (json, path) => readDouble(json, path, MAX_FLOAT);
    case ScalarType.DOUBLE:
      return (json, path) => readDouble(json, path, Number.MAX_VALUE);
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return (json, path) => Number(readInteger(json, path, INT32));
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return (json, path) => Number(readInteger(json, path, UINT32));
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return (json, path) => readInteger(json, path, INT64);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return (json, path) => readInteger(json, path, UINT64);
  }
}

function readString(json: unknown, path: JsonPath): string {
  if (typeof json !== 'string') throw wrongType(path, 'a string', json);
  // Half of a surrogate pair has no bytes in UTF-8 and would come out as something else.
  if (!json.isWellFormed()) throw invalidArgument(formatPath(path), 'not valid Unicode');
  return json;
}

function readBool(json: unknown, path: JsonPath): boolean {
  if (typeof json !== 'boolean') throw wrongType(path, 'true or false', json);
  return json;
}

function readBytes(json: unknown, path: JsonPath): Uint8Array {
  if (typeof json !== 'string' || !BASE64.test(json)) throw wrongType(path, 'base64', json);
  // Node reads both alphabets of base64.
  return new Uint8Array(Buffer.from(json, 'base64'));
}

function readDouble(json: unknown, path: JsonPath, largest: number): number {
  if (json === 'NaN' || json === 'Infinity' || json === '-Infinity') return Number(json);
  const value = typeof json === 'string' && DECIMAL.test(json) ? Number(json) : json;
  if (typeof value !== 'number') throw wrongType(path, 'a number', json);
  if (Math.abs(value) > largest) throw invalidArgument(formatPath(path), 'the number is too large');
  return value;
}

function readInteger(json: unknown, path: JsonPath, range: IntegerRange): bigint {
  const value = toBigInt(json, path);
  if (value === undefined) throw wrongType(path, 'a whole number', json);
  if (value >= range.min && value <= range.max) return value;
  const problem = `expected a whole number from ${range.min} to ${range.max}`;
  throw invalidArgument(formatPath(path), problem);
}

function toBigInt(json: unknown, path: JsonPath): bigint | undefined {
  if (typeof json === 'string') return INTEGER.test(json) ? BigInt(json) : undefined;
  if (typeof json !== 'number' || !Number.isInteger(json)) return undefined;
  if (Number.isSafeInteger(json)) return BigInt(json);
  const problem = 'a number beyond 2^53 loses digits in JSON; write it as a string';
  throw invalidArgument(formatPath(path), problem);
}

export function createScalarWriter(type: ScalarType): WriteJson {
  switch (type) {
    case ScalarType.STRING:
      return (value) => quote(String(value));
    case ScalarType.BYTES:
      return (value) => (value instanceof Uint8Array ? `"${toBase64(value)}"` : '""');
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      return (value) => (Number.isFinite(value) ? String(value) : `"${String(value)}"`);
    default:
      // Booleans and integers of every width, bigint included, are JSON as they print.
      return String;
  }
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** As JSON.stringify does it, which for short text without need of escapes is twice as slow. */
export function quote(text: string): string {
  return NEEDS_ESCAPES.test(text) ? JSON.stringify(text) : `"${text}"`;
}
