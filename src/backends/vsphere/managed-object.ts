/** What vSphere's API is made of: objects with a type and an id, and operations on them. */
import { DroverError } from '#kernel/errors.ts';
import { xmlNode, type XmlContent, type XmlNode } from '#kernel/xml-writer.ts';
import type { XmlElement } from '#kernel/xml.ts';

const XSI = 'http://www.w3.org/2001/XMLSchema-instance';

export interface ManagedObject {
  readonly type: string;
  readonly id: string;
}

/**
 * An operation on an object. Its parts must come in the order of the schema: servers refuse or
 * misread another.
 */
export function operation(
  name: string,
  self: ManagedObject,
  ...parts: readonly XmlContent[]
): XmlNode {
  return xmlNode(name, { xmlns: 'urn:vim25' }, reference('_this', self), ...parts);
}

export function reference(name: string, { type, id }: ManagedObject): XmlNode {
  return xmlNode(name, { type }, id);
}

/** A value whose class is to be said, where a base class is expected. */
export function typedNode(name: string, type: string, ...content: readonly XmlContent[]): XmlNode {
  return xmlNode(name, { 'xsi:type': type }, ...content);
}

/** The declaration belongs on the envelope, around all that `typedNode` writes. */
export const TYPE_DECLARATION = { 'xmlns:xsi': XSI };

/** The class of a value, without the prefix that it may be written with. */
export function typeOf(element: XmlElement): string | undefined {
  const type = element.attribute('type', XSI);
  return type?.slice(type.indexOf(':') + 1);
}

export function readReference(element: XmlElement | undefined): ManagedObject | undefined {
  if (element === undefined || element.text === '') return undefined;
  // Within the API the attribute has no prefix; a value of no fixed class has the other, too.
  const type = element.attribute('type');
  return type === undefined ? undefined : { type, id: element.text };
}

export function expectReference(element: XmlElement | undefined, what: string): ManagedObject {
  const found = readReference(element);
  if (found === undefined) throw unexpectedAnswer(`${what} is missing`);
  return found;
}

/** What a working server does not answer. Another attempt may well be answered better. */
export function unexpectedAnswer(message: string, cause?: unknown): DroverError {
  return new DroverError('unavailable', `vSphere gave an answer that is not usable: ${message}`, {
    reason: 'VSPHERE_BAD_ANSWER',
    cause,
  });
}

export function readNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^-?\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Names keep `/`, `\` and `%` escaped within the API. */
export function decodeName(name: string): string {
  return name.replace(/%(2f|5c|25)/gi, (escape) => decodeURIComponent(escape));
}
