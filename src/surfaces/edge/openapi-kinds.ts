/** What schemas of the OpenAPI document are made of. */

export type Json = Readonly<Record<string, unknown>>;

export const TEXT = { type: 'string' };
export const WHOLE = { type: 'integer' };
export const FLAG = { type: 'boolean' };
export const ANY = { type: 'object', additionalProperties: true };
export const NUMBER = { type: 'number' };
export const TIME = { type: 'string', format: 'date-time' };
export const SECRET = { type: 'string', writeOnly: true };

export function oneOf(words: readonly string[], description?: string): Json {
  return { ...TEXT, enum: [...words], ...(description !== undefined && { description }) };
}

export function reference(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

export function listOf(items: Json): Json {
  return { type: 'array', items };
}

export function shape(properties: Json): Json {
  return { type: 'object', required: Object.keys(properties), properties };
}

/** Most answers say when they were made. */
export function answerOf(properties: Json): Json {
  return shape({ ...properties, timestamp: TIME });
}

export function orNull({ type, ...rest }: Json): Json {
  return { ...rest, type: [type, 'null'] };
}
