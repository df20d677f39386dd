/** Writes XML. What goes in is escaped, so no value can become markup. */
import { DroverError } from './errors.ts';
import { findForbidden } from './xml-text.ts';

/** A node left out is `undefined`, so that what is optional needs no branch. */
export type XmlContent = XmlNode | string | number | boolean | undefined;

export interface XmlNode {
  /** With its prefix, if it has one; declarations are attributes like others. */
  readonly name: string;
  readonly attributes: Readonly<Record<string, XmlValue>>;
  readonly content: readonly XmlContent[];
}

type XmlValue = string | number | boolean | undefined;

/** An attribute that is undefined is left out. */
export function xmlNode(
  name: string,
  attributes: Readonly<Record<string, XmlValue>>,
  ...content: readonly XmlContent[]
): XmlNode {
  return { name, attributes, content };
}

export interface WriteXmlOptions {
  /** Elements that hold only elements get lines of their own: for files that people read. */
  readonly isIndented?: boolean;
}

export function writeXml(node: XmlNode, { isIndented = false }: WriteXmlOptions = {}): string {
  const parts: string[] = [];
  writeNode(node, parts, isIndented ? '\n' : undefined);
  if (isIndented) parts.push('\n');
  return parts.join('');
}

/** `lineStart` is a line feed and what the line begins with. */
function writeNode(node: XmlNode, parts: string[], lineStart: string | undefined): void {
  parts.push('<', checkedName(node.name));
  for (const [name, value] of Object.entries(node.attributes)) {
    if (value !== undefined) parts.push(' ', checkedName(name), '="', escapeValue(value), '"');
  }
  const content = node.content.filter((one) => one !== undefined);
  if (content.length === 0) {
    parts.push('/>');
    return;
  }
  parts.push('>');
  const hasText = content.some((one) => typeof one !== 'object');
  const inner = hasText || lineStart === undefined ? undefined : `${lineStart}  `;
  for (const one of content) {
    if (inner !== undefined) parts.push(inner);
    if (typeof one === 'object') writeNode(one, parts, inner);
    else parts.push(escapeText(one));
  }
  if (inner !== undefined && lineStart !== undefined) parts.push(lineStart);
  parts.push('</', node.name, '>');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // Written plainly, these would be read as something else.
  '\r': '&#13;',
  '\n': '&#10;',
  '\t': '&#9;',
};

function escapeText(value: string | number | boolean): string {
  return checkedText(String(value)).replace(/[&<>\r]/g, (found) => ESCAPES[found] ?? found);
}

function escapeValue(value: string | number | boolean): string {
  return checkedText(String(value)).replace(/[&<>"\r\n\t]/g, (found) => ESCAPES[found] ?? found);
}

function checkedText(text: string): string {
  if (findForbidden(text) === undefined) return text;
  throw new DroverError('invalid_argument', 'the text has a character that XML cannot hold', {
    reason: 'XML_CHARACTER',
  });
}

function checkedName(name: string): string {
  if (/^[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?$/.test(name)) return name;
  throw new RangeError(`${name} is no name for an element or attribute`);
}
