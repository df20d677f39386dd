/** Reads Prometheus' text format as far as tests need it: names, types, series and values. */

export interface ExposedFamily {
  readonly kind: string;
  readonly help: string;
  /** `name{a="1"}`, labels as they were written → value. */
  readonly samples: Map<string, number>;
}

export function parseExposition(text: string): ReadonlyMap<string, ExposedFamily> {
  const families = new Map<string, ExposedFamily>();
  const helps = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, word = '', name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (word === 'HELP') helps.set(name, rest);
    if (word === 'TYPE') {
      families.set(name, { kind: rest, help: helps.get(name) ?? '', samples: new Map() });
    }
    const [, key = '', value = ''] = /^([^#].*) (\S+)$/.exec(line) ?? [];
    if (key === '') continue;
    const base = key.replace(/\{.*$/, '');
    const family = families.get(base) ?? families.get(base.replace(/_(bucket|sum|count)$/, ''));
    family?.samples.set(key, parseValue(value));
  }
  return families;
}

function parseValue(text: string): number {
  if (text === '+Inf') return Infinity;
  return text === '-Inf' ? -Infinity : Number(text);
}
