/** Takes apart what ip and nft print as JSON: reads a part, or finds it is not there. */

export function property(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

export function textProperty(value: unknown, name: string): string | undefined {
  const found = property(value, name);
  return typeof found === 'string' ? found : undefined;
}

/** The members of an array; anything else has none. */
export function membersOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

export function parseJson(text: string): unknown {
  return text.trim() === '' ? undefined : JSON.parse(text);
}
