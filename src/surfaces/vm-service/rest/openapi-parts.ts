/** What operations of the OpenAPI document have in common. */
export type Json = Readonly<Record<string, unknown>>;

export function json(description: string, schema: Json): Json {
  return { description, content: { 'application/json': { schema } } };
}

export function failures(...codes: readonly number[]): Json {
  const error = json('Refused; the body says why', { $ref: '#/components/schemas/Error' });
  return Object.fromEntries(codes.map((code) => [code, error]));
}
