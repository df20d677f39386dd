/** The values in an OVF: numbers in units of their own, and texts for people. */
import type { XmlElement } from '#kernel/xml.ts';

const MOST_CHARACTERS = 200;

/** Whatever its namespace: some writers leave the prefix out. */
export function attributeOf(element: XmlElement, name: string): string | undefined {
  return element.attributes.find((attribute) => attribute.name === name)?.value;
}

/** In one line, and short; undefined when nothing is left. */
export function plainText(text: string | undefined): string | undefined {
  const plain = (text ?? '').replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
  return plain.slice(0, MOST_CHARACTERS) || undefined;
}

export function ovfCount(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d{1,15}\s*$/.test(text) ? Number(text) : undefined;
}

const WORDS: ReadonlyMap<string, number> = new Map([
  ['byte', 1],
  ['bytes', 1],
  ['kb', 2 ** 10],
  ['kilobytes', 2 ** 10],
  ['mb', 2 ** 20],
  ['megabytes', 2 ** 20],
  ['gb', 2 ** 30],
  ['gigabytes', 2 ** 30],
  ['tb', 2 ** 40],
  ['terabytes', 2 ** 40],
]);

/** `byte * 2^20`, or `MegaBytes` as older writers have it. */
export function unitBytes(text: string): number | undefined {
  const unit = text.trim().toLowerCase();
  const [, base, exponent = '1'] =
    /^bytes?\s*\*\s*(\d{1,7})\s*(?:\^\s*(\d{1,2}))?$/.exec(unit) ?? [];
  const bytes = base === undefined ? WORDS.get(unit) : Number(base) ** Number(exponent);
  return bytes !== undefined && bytes >= 1 && bytes <= 2 ** 50 ? bytes : undefined;
}
