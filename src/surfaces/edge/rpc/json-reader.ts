/**
 * Reads requests written as JSON, by descriptor. Each field may carry the name in the proto file
 * or its lowerCamelCase form. A refusal names the full path of what is wrong and what is right.
 *
 * A reader is compiled once for each message type. It walks the descriptor, not the document:
 * names it does not know are refused where they stand, whatever is under them, so depth and the
 * number of steps are bounded by the schema, and names such as `__proto__` are just unknown.
 */
import { create, fromJson } from '@bufbuild/protobuf';
import type {
  DescEnum,
  DescField,
  DescMessage,
  JsonValue,
  Message,
  MessageShape,
} from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import { DroverError, invalidArgument } from '#kernel/errors.ts';
import { didYouMean } from '#kernel/nearest.ts';
import { formatPath, wrongType, type JsonPath } from './json-path.ts';
import { createScalarReader, type ReadJson } from './json-scalars.ts';

type ReadMessage = (json: unknown, path: JsonPath | undefined) => Message;
type Fields = Message & Record<string, unknown>;

interface FieldReader {
  readonly name: string;
  readonly set: (message: Fields, json: unknown, path: JsonPath) => void;
}

// A message type that holds itself is the one way for a document to go deeper than the schema.
const MAX_DEPTH = 64;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

export type JsonReader<Desc extends DescMessage> = (body: Uint8Array) => MessageShape<Desc>;

export function createJsonReader<Desc extends DescMessage>(desc: Desc): JsonReader<Desc> {
  const read = compileMessage(desc);
  return (body) => read(parseJson(body), undefined) as MessageShape<Desc>;
}

function parseJson(body: Uint8Array): unknown {
  if (body.byteLength === 0) {
    throw malformed('the request body is empty; send a JSON object, {} at least');
  }
  try {
    return JSON.parse(UTF8.decode(body)) as unknown;
  } catch (cause) {
    if (cause instanceof SyntaxError) {
      throw malformed(`the request body is not valid JSON: ${cause.message}`, cause);
    }
    throw malformed('the request body is not valid UTF-8', cause);
  }
}

function malformed(message: string, cause?: unknown): DroverError {
  return new DroverError('invalid_argument', message, { reason: 'MALFORMED_JSON', cause });
}

const compiled = new WeakMap<DescMessage, ReadMessage>();

function compileMessage(desc: DescMessage): ReadMessage {
  const known = compiled.get(desc);
  if (known !== undefined) return known;
  if (desc.typeName.startsWith('google.protobuf.')) return compileWellKnown(desc);
  const fields = new Map<string, FieldReader>();
  const read: ReadMessage = (json, path) => {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      throw wrongType(path, 'an object', json);
    }
    if (path !== undefined) assertDepth(path);
    const message = create(desc) as Fields;
    for (const [name, value] of Object.entries(json)) {
      const field = fields.get(name);
      const at: JsonPath = { parent: path, step: name };
      if (field === undefined) throw unknownField(desc, at, name);
      if (name !== field.name && Object.hasOwn(json, field.name)) throw givenTwice(at, field.name);
      // As in protobuf's own JSON, null is the same as leaving the field out.
      if (value !== null) field.set(message, value, at);
    }
    return message;
  };
  // Before its fields, so that a type that holds itself finds itself.
  compiled.set(desc, read);
  for (const field of desc.fields) {
    const reader: FieldReader = { name: field.name, set: compileSetter(field) };
    fields.set(field.jsonName, reader);
    fields.set(field.name, reader);
  }
  return read;
}

function compileWellKnown(desc: DescMessage): ReadMessage {
  return (json, path) => {
    try {
      return fromJson(desc, json as JsonValue);
    } catch {
      // The library's sentence names its own types; the path says more to the caller.
      throw wrongType(path, `the JSON form of ${desc.typeName}`, json);
    }
  };
}

function assertDepth(path: JsonPath): void {
  let depth = 0;
  for (let at: JsonPath | undefined = path; at !== undefined; at = at.parent) depth += 1;
  if (depth > MAX_DEPTH) throw malformed(`the request body is deeper than ${MAX_DEPTH} levels`);
}

function unknownField(desc: DescMessage, path: JsonPath, name: string): DroverError {
  // Whoever writes lowerCamelCase gets the suggestion in it.
  const isCamel = /[a-z][A-Z]/.test(name);
  const names = desc.fields.map((field) => (isCamel ? field.jsonName : field.name));
  const short = name.slice(0, 128);
  return invalidArgument(formatPath(path), `unknown field${didYouMean(short, names)}`);
}

function givenTwice(path: JsonPath, name: string): DroverError {
  return invalidArgument(formatPath(path), `given a second time as ${name}; send one of the two`);
}

function compileSetter(field: DescField): FieldReader['set'] {
  const read = compileField(field);
  const { localName, oneof } = field;
  if (oneof === undefined) {
    return (message, json, path) => {
      message[localName] = read(json, path);
    };
  }
  return (message, json, path) => {
    const chosen = message[oneof.localName] as { readonly case: string | undefined };
    if (chosen.case !== undefined) {
      const names = oneof.fields.map(({ name }) => name).join(', ');
      throw invalidArgument(formatPath(path), `only one of ${names} can be given`);
    }
    message[oneof.localName] = { case: localName, value: read(json, path) };
  };
}

function compileField(field: DescField): ReadJson {
  switch (field.fieldKind) {
    case 'scalar':
      return createScalarReader(field.scalar);
    case 'enum':
      return createEnumReader(field.enum);
    case 'message':
      return compileMessage(field.message);
    case 'list':
      return createListReader(compileElement(field));
    case 'map':
      return createMapReader(field.mapKey, compileElement(field));
  }
}

function compileElement(field: DescField & { readonly fieldKind: 'list' | 'map' }): ReadJson {
  if (field.message !== undefined) return compileMessage(field.message);
  if (field.enum !== undefined) return createEnumReader(field.enum);
  return createScalarReader(field.scalar);
}

function createEnumReader(desc: DescEnum): ReadJson {
  const numbers = new Map(desc.values.map(({ name, number }) => [name, number]));
  return (json, path) => {
    const number = typeof json === 'string' ? numbers.get(json) : json;
    if (typeof number === 'number' && desc.value[number] !== undefined) return number;
    const names = desc.values.map(({ name }) => name).join(', ');
    if (typeof json !== 'string') throw wrongType(path, `one of ${names}`, json);
    throw invalidArgument(formatPath(path), `expected one of ${names}`);
  };
}

function createListReader(readElement: ReadJson): ReadJson {
  return (json, path) => {
    if (!Array.isArray(json)) throw wrongType(path, 'a list', json);
    return json.map((element: unknown, at) => readElement(element, { parent: path, step: at }));
  };
}

function createMapReader(keyType: ScalarType, readValue: ReadJson): ReadJson {
  return (json, path) => {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      throw wrongType(path, 'an object', json);
    }
    // Made of entries, which defines properties instead of assigning them: a key `__proto__` is
    // an entry like any other and touches no prototype.
    return Object.fromEntries(
      Object.entries(json).map(([key, value]) => {
        const at: JsonPath = { parent: path, step: key };
        assertMapKey(keyType, key, at);
        return [key, readValue(value, at)];
      }),
    );
  };
}

function assertMapKey(type: ScalarType, key: string, path: JsonPath): void {
  if (type === ScalarType.BOOL) {
    if (key !== 'true' && key !== 'false') throw wrongType(path, 'true or false as the key', key);
    return;
  }
  createScalarReader(type)(key, path);
}
