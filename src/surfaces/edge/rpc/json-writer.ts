/**
 * Writes answers as the JSON that is documented: names as in the proto file, integers as numbers
 * whatever their width, enums by name, and every field present, except messages and `optional`
 * fields that are not set. In the answer itself, though not in what it holds, a message that is
 * not set is null: what is documented is there, and readers of protobuf's JSON take it as unset.
 *
 * A writer is compiled once for each message type and makes text directly; building objects for
 * JSON.stringify first would cost more than the rest of a call.
 */
import { toJson } from '@bufbuild/protobuf';
import type { DescEnum, DescField, DescMessage, Message, MessageShape } from '@bufbuild/protobuf';
import { createScalarWriter, quote, type WriteJson } from './json-scalars.ts';

type Fields = Message & Record<string, unknown>;
/** The field's value as text; undefined when the field is left out. */
type WriteField = (message: Fields) => string | undefined;

// The value of protobuf's own enum for a field that is present even when nobody set it.
const IMPLICIT_PRESENCE = 2;

export type JsonWriter<Desc extends DescMessage> = (message: MessageShape<Desc>) => string;

export function createJsonWriter<Desc extends DescMessage>(desc: Desc): JsonWriter<Desc> {
  if (isWellKnown(desc)) return compileMessage(desc);
  return createMessageWriter(desc.fields.map((field) => compileKey(field, 'null')));
}

const compiled = new WeakMap<DescMessage, WriteJson>();

function compileMessage(desc: DescMessage): WriteJson {
  const known = compiled.get(desc);
  if (known !== undefined) return known;
  if (isWellKnown(desc)) return (value) => JSON.stringify(toJson(desc, value as Message));
  const fields: KeyWriter[] = [];
  const write = createMessageWriter(fields);
  // Before its fields, so that a type that holds itself finds itself.
  compiled.set(desc, write);
  for (const field of desc.fields) fields.push(compileKey(field, undefined));
  return write;
}

function isWellKnown({ typeName }: DescMessage): boolean {
  return typeName.startsWith('google.protobuf.');
}

interface KeyWriter {
  readonly key: string;
  readonly write: WriteField;
}

function createMessageWriter(fields: readonly KeyWriter[]): WriteJson {
  return (message) => {
    let text = '';
    for (const field of fields) {
      const value = field.write(message as Fields);
      if (value !== undefined) text += (text === '' ? '{' : ',') + field.key + value;
    }
    return text === '' ? '{}' : `${text}}`;
  };
}

/** `absent` is what stands for a message that is not set, outside of a oneof. */
function compileKey(field: DescField, absent: 'null' | undefined): KeyWriter {
  const key = `${quote(field.name)}:`;
  const write = compileField(field);
  if (field.fieldKind !== 'message' || field.oneof !== undefined) return { key, write };
  return { key, write: (message) => write(message) ?? absent };
}

function compileField(field: DescField): WriteField {
  const { localName, oneof } = field;
  const write = compileValue(field);
  if (oneof !== undefined) {
    return (message) => {
      const chosen = message[oneof.localName] as {
        readonly case?: string;
        readonly value?: unknown;
      };
      return chosen.case === localName ? write(chosen.value) : undefined;
    };
  }
  if (field.fieldKind === 'list' || field.fieldKind === 'map') {
    return (message) => write(message[localName]);
  }
  if (field.presence === IMPLICIT_PRESENCE) return (message) => write(message[localName]);
  return (message) => {
    const value = message[localName];
    return value === undefined ? undefined : write(value);
  };
}

function compileValue(field: DescField): WriteJson {
  switch (field.fieldKind) {
    case 'scalar':
      return createScalarWriter(field.scalar);
    case 'enum':
      return createEnumWriter(field.enum);
    case 'message':
      return compileMessage(field.message);
    case 'list':
      return createListWriter(compileElement(field));
    case 'map':
      return createMapWriter(compileElement(field));
  }
}

function compileElement(field: DescField & { readonly fieldKind: 'list' | 'map' }): WriteJson {
  if (field.message !== undefined) return compileMessage(field.message);
  if (field.enum !== undefined) return createEnumWriter(field.enum);
  return createScalarWriter(field.scalar);
}

function createEnumWriter(desc: DescEnum): WriteJson {
  const names = new Map(desc.values.map(({ name, number }) => [number, quote(name)]));
  return (value) => names.get(value as number) ?? String(value);
}

function createListWriter(writeElement: WriteJson): WriteJson {
  return (value) => {
    const elements = value as readonly unknown[];
    if (elements.length === 0) return '[]';
    let text = '[';
    for (const [at, element] of elements.entries()) {
      text += at === 0 ? writeElement(element) : `,${writeElement(element)}`;
    }
    return `${text}]`;
  };
}

function createMapWriter(writeValue: WriteJson): WriteJson {
  return (value) => {
    let text = '';
    for (const [key, entry] of Object.entries(value as Record<string, unknown>)) {
      text += `${text === '' ? '{' : ','}${quote(key)}:${writeValue(entry)}`;
    }
    return text === '' ? '{}' : `${text}}`;
  };
}
