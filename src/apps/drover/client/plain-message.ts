/**
 * An answer as the API document writes it: snake_case names, 64-bit integers as numbers, enums by
 * name, fields that are zero or empty included.
 */
import type { DescField, DescMessage, MessageShape } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import type { ReflectMessage } from '@bufbuild/protobuf/reflect';

export type Plain = Readonly<Record<string, unknown>>;

export function messageToPlain<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): Plain {
  return reflectedToPlain(reflect(schema, message));
}

function reflectedToPlain(message: ReflectMessage): Plain {
  const plain: Record<string, unknown> = {};
  for (const field of message.fields) {
    // A field with presence that is absent has nothing to say; every other has at least its zero.
    const hasPresence = field.fieldKind === 'message' || field.oneof !== undefined;
    if ((hasPresence || field.proto.proto3Optional) && !message.isSet(field)) continue;
    plain[field.name] = fieldToPlain(message, field);
  }
  return plain;
}

function fieldToPlain(message: ReflectMessage, field: DescField): unknown {
  switch (field.fieldKind) {
    case 'message':
      return reflectedToPlain(message.get(field));
    case 'enum':
      return enumName(field.enum.values, message.get(field));
    case 'scalar':
      return scalarToPlain(field.scalar, message.get(field));
    case 'list': {
      const items = [...message.get(field)];
      if (field.listKind === 'message') {
        return items.map((item) => (isReflected(item) ? reflectedToPlain(item) : item));
      }
      return field.listKind === 'enum'
        ? items.map((item) => enumName(field.enum.values, item))
        : items.map((item) => scalarToPlain(field.scalar, item));
    }
    case 'map':
      return Object.fromEntries([...message.get(field)].map(([key, value]) => [key, value]));
  }
}

function isReflected(item: unknown): item is ReflectMessage {
  return typeof item === 'object' && item !== null && 'fields' in item && 'isSet' in item;
}

function enumName(
  values: readonly { readonly number: number; readonly name: string }[],
  number: unknown,
): unknown {
  return values.find((value) => value.number === number)?.name ?? number;
}

function scalarToPlain(type: ScalarType, value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (type === ScalarType.BYTES && value instanceof Uint8Array) return value.toBase64();
  return value;
}
