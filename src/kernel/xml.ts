/**
 * Reads XML that somebody else wrote: with namespaces, without document types. A document type is
 * refused, so there is nothing that a document could define, include or fetch; what it can use of
 * memory and depth is limited.
 */
import { DroverError } from './errors.ts';
import { MIB } from './units.ts';
import {
  decodeXmlBytes,
  expandText,
  findForbidden,
  isNameCode,
  isNameStart,
  normalizeAttribute,
  XmlFault,
} from './xml-text.ts';

export interface XmlLimits {
  readonly bytes: number;
  readonly depth: number;
  readonly elements: number;
  /** Of one element. */
  readonly attributes: number;
}

const DEFAULT_LIMITS: XmlLimits = {
  bytes: 32 * MIB,
  depth: 100,
  elements: 1_000_000,
  attributes: 64,
};
/** Each name that has a prefix is looked up among these. */
const MOST_NAMESPACES_IN_SCOPE = 256;
const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';

const NO_ATTRIBUTES: readonly XmlAttribute[] = [];
const NO_CHILDREN: readonly XmlElement[] = [];

export interface XmlAttribute {
  /** Without its prefix. */
  readonly name: string;
  /** Empty when it has no prefix. */
  readonly namespace: string;
  readonly value: string;
}

export class XmlElement {
  /** Without its prefix. */
  readonly name: string;
  /** Empty when it is in none. */
  readonly namespace: string;
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly XmlElement[];
  /** The characters directly inside, without those of the children. */
  readonly text: string;

  constructor(name: string, namespace: string, attributes: readonly XmlAttribute[]) {
    this.name = name;
    this.namespace = namespace;
    this.attributes = attributes;
    this.children = NO_CHILDREN;
    this.text = '';
  }

  /** The first of the name. */
  child(name: string): XmlElement | undefined {
    return this.children.find((child) => child.name === name);
  }

  childrenNamed(name: string): readonly XmlElement[] {
    return this.children.filter((child) => child.name === name);
  }

  /** The text of the first child of the name. */
  textOf(name: string): string | undefined {
    return this.child(name)?.text;
  }

  /** Without a namespace given it is the one without a prefix. */
  attribute(name: string, namespace = ''): string | undefined {
    return this.attributes.find((one) => one.name === name && one.namespace === namespace)?.value;
  }
}

/**
 * Throws `data_loss` when the document breaks off, and `invalid_argument` for everything else that
 * is wrong with it; both say in which line and column.
 */
export function parseXml(source: string | Uint8Array, limits: Partial<XmlLimits> = {}): XmlElement {
  const all = { ...DEFAULT_LIMITS, ...limits };
  // A character is at least a byte, so this holds for text as well.
  if (source.length > all.bytes) {
    throw new DroverError('invalid_argument', `the XML is longer than ${all.bytes} bytes`, {
      reason: 'XML_TOO_LARGE',
    });
  }
  const text = typeof source === 'string' ? source : decodeXmlBytes(source);
  try {
    return new Parser(text, all).parse();
  } catch (thrown) {
    throw thrown instanceof XmlFault ? thrown.toError(text) : thrown;
  }
}

/** One declaration; those further out follow. */
interface Scope {
  readonly prefix: string;
  readonly uri: string;
  readonly outer: Scope | undefined;
  readonly size: number;
}

/** An element that is being read is still written to. */
interface Draft {
  children: readonly XmlElement[];
  text: string;
}

interface Frame {
  /** As it was written, for the end tag. */
  readonly tag: string;
  readonly scope: Scope | undefined;
  readonly element: XmlElement;
  readonly draft: Draft;
  children: XmlElement[] | undefined;
}

interface RawAttribute {
  readonly tag: string;
  readonly value: string;
  readonly at: number;
}

const BLANK = /^[ \t\r\n]*$/;

class Parser {
  readonly #text: string;
  readonly #limits: XmlLimits;
  readonly #open: Frame[] = [];
  #at = 0;
  #elements = 0;
  #root: XmlElement | undefined;

  constructor(text: string, limits: XmlLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  parse(): XmlElement {
    const text = this.#text;
    if (text.charCodeAt(0) === 0xfeff) this.#at = 1;
    const forbidden = findForbidden(text);
    if (forbidden !== undefined) throw new XmlFault(forbidden, 'a character is not allowed');
    while (this.#at < text.length) {
      const next = text.indexOf('<', this.#at);
      const end = next === -1 ? text.length : next;
      if (end > this.#at) this.#readText(this.#at, end);
      this.#at = end;
      if (next !== -1) this.#readMarkup();
    }
    const unclosed = this.#open.at(-1);
    if (unclosed !== undefined) throw this.#cutOff(`<${unclosed.tag}> is not closed`);
    if (this.#root === undefined) throw this.#cutOff('there is no element');
    return this.#root;
  }

  #readText(from: number, to: number): void {
    const raw = this.#text.slice(from, to);
    const frame = this.#open.at(-1);
    if (frame === undefined) {
      if (!BLANK.test(raw)) throw new XmlFault(from, 'there is text outside of the root element');
      return;
    }
    // Most of it is one stretch without anything to expand.
    const text = expandText(raw, from);
    const { draft } = frame;
    draft.text = draft.text === '' ? text : draft.text + text;
  }

  #readMarkup(): void {
    const text = this.#text;
    const after = text.charCodeAt(this.#at + 1);
    if (after === 0x2f) return this.#readEndTag();
    if (after === 0x3f) return this.#skipInstruction();
    if (after !== 0x21) return this.#readStartTag();
    if (text.startsWith('<!--', this.#at)) return this.#skipComment();
    if (text.startsWith('<![CDATA[', this.#at)) return this.#readCharacterData();
    if (text.startsWith('<!DOCTYPE', this.#at)) {
      throw new XmlFault(this.#at, 'a document type is not accepted');
    }
    if (text.length - this.#at < 9) throw this.#cutOff('the markup breaks off');
    throw new XmlFault(this.#at, 'the markup is not known');
  }

  #skipComment(): void {
    const end = this.#find('-->', this.#at + 4, 'the comment is not closed');
    if (this.#text.slice(this.#at + 4, end).includes('--')) {
      throw new XmlFault(this.#at, 'a comment has "--" in it');
    }
    this.#at = end + 3;
  }

  #skipInstruction(): void {
    const end = this.#find('?>', this.#at + 2, 'the processing instruction is not closed');
    this.#at = end + 2;
  }

  #readCharacterData(): void {
    const frame = this.#open.at(-1);
    if (frame === undefined) throw new XmlFault(this.#at, 'CDATA stands outside of the root');
    const end = this.#find(']]>', this.#at + 9, 'the CDATA section is not closed');
    frame.draft.text += this.#text.slice(this.#at + 9, end).replaceAll('\r\n', '\n');
    this.#at = end + 3;
  }

  #readStartTag(): void {
    const start = this.#at;
    if (this.#root !== undefined && this.#open.length === 0) {
      throw new XmlFault(start, 'there is a second root element');
    }
    this.#elements += 1;
    if (this.#elements > this.#limits.elements) {
      throw new XmlFault(start, `there are more than ${this.#limits.elements} elements`);
    }
    if (this.#open.length >= this.#limits.depth) {
      throw new XmlFault(start, `elements are nested deeper than ${this.#limits.depth}`);
    }
    this.#at += 1;
    const tag = this.#readName();
    const raw = this.#readAttributes();
    const scope = raw === undefined ? this.#open.at(-1)?.scope : this.#declare(raw);
    const colon = checkedColon(tag, start);
    const namespace = resolvePrefix(scope, tag.slice(0, Math.max(colon, 0)), start);
    const attributes = raw === undefined ? NO_ATTRIBUTES : resolveAttributes(raw, scope);
    const name = colon === -1 ? tag : tag.slice(colon + 1);
    const element = new XmlElement(name, namespace, attributes);
    this.#attach(element);
    if (this.#text.charCodeAt(this.#at) === 0x2f) {
      if (this.#at + 1 >= this.#text.length) throw this.#cutOff('the tag breaks off');
      if (this.#text.charCodeAt(this.#at + 1) !== 0x3e) {
        throw new XmlFault(this.#at, 'a "/" must be the end of its tag');
      }
      this.#at += 2;
    } else {
      this.#at += 1;
      this.#open.push({ tag, scope, element, draft: element, children: undefined });
    }
  }

  #readEndTag(): void {
    const frame = this.#open.pop();
    const start = this.#at;
    const end = this.#find('>', start + 2, 'the end tag is not closed');
    const tag = this.#text.slice(start + 2, end);
    if (frame === undefined) throw new XmlFault(start, 'an end tag has no start');
    if (tag !== frame.tag && tag.trimEnd() !== frame.tag) {
      throw new XmlFault(start, `<${frame.tag}> is closed by another name`);
    }
    this.#at = end + 1;
  }

  #attach(element: XmlElement): void {
    const outer = this.#open.at(-1);
    if (outer === undefined) this.#root = element;
    else if (outer.children !== undefined) outer.children.push(element);
    else outer.draft.children = outer.children = [element];
  }

  /** Stops at the `>` or `/` that ends the tag. Undefined: there are none. */
  #readAttributes(): RawAttribute[] | undefined {
    const text = this.#text;
    let found: RawAttribute[] | undefined;
    for (;;) {
      const before = this.#at;
      this.#skipBlanks();
      const code = text.charCodeAt(this.#at);
      if (code === 0x3e || code === 0x2f) return found;
      if (this.#at >= text.length) throw this.#cutOff('the tag breaks off');
      if (this.#at === before) throw new XmlFault(this.#at, 'the tag has a stray character');
      found ??= [];
      if (found.length >= this.#limits.attributes) {
        throw new XmlFault(this.#at, `there are more than ${this.#limits.attributes} attributes`);
      }
      found.push(this.#readAttribute());
    }
  }

  #readAttribute(): RawAttribute {
    const text = this.#text;
    const at = this.#at;
    const tag = this.#readName();
    this.#skipBlanks();
    if (this.#at >= text.length) throw this.#cutOff('the attribute breaks off');
    if (text[this.#at] !== '=') throw new XmlFault(this.#at, `the attribute ${tag} has no value`);
    this.#at += 1;
    this.#skipBlanks();
    const quote = text[this.#at];
    if (quote === undefined) throw this.#cutOff('the attribute breaks off');
    if (quote !== '"' && quote !== "'") {
      throw new XmlFault(this.#at, `the value of ${tag} is not in quotes`);
    }
    const start = this.#at + 1;
    const end = this.#find(quote, start, 'the attribute is not closed');
    const raw = text.slice(start, end);
    if (raw.includes('<')) throw new XmlFault(start, `the value of ${tag} has a "<" in it`);
    this.#at = end + 1;
    return { tag, value: expandText(normalizeAttribute(raw), start), at };
  }

  #declare(raw: readonly RawAttribute[]): Scope | undefined {
    let scope = this.#open.at(-1)?.scope;
    for (const { tag, value: uri, at } of raw) {
      const isDefault = tag === 'xmlns';
      if (!isDefault && !tag.startsWith('xmlns:')) continue;
      const prefix = isDefault ? '' : tag.slice(6);
      if (!isDefault && (prefix === '' || uri === '' || prefix === 'xmlns' || prefix === 'xml')) {
        throw new XmlFault(at, `${tag} declares nothing`);
      }
      scope = { prefix, uri, outer: scope, size: (scope?.size ?? 0) + 1 };
      if (scope.size > MOST_NAMESPACES_IN_SCOPE) {
        throw new XmlFault(at, 'there are too many declarations of namespaces');
      }
    }
    return scope;
  }

  #readName(): string {
    const text = this.#text;
    const start = this.#at;
    let end = start;
    while (isNameCode(text.charCodeAt(end))) end += 1;
    if (end === start || !isNameStart(text.charCodeAt(start))) {
      if (start >= text.length) throw this.#cutOff('the tag breaks off');
      throw new XmlFault(start, 'a name is missing, or starts with what no name starts with');
    }
    this.#at = end;
    return text.slice(start, end);
  }

  #skipBlanks(): void {
    const text = this.#text;
    for (;;) {
      const code = text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at += 1;
    }
  }

  #find(what: string, from: number, otherwise: string): number {
    const found = this.#text.indexOf(what, from);
    if (found === -1) throw this.#cutOff(otherwise);
    return found;
  }

  #cutOff(message: string): XmlFault {
    return new XmlFault(this.#text.length, message, 'data_loss');
  }
}

/** Where the prefix ends; -1 when there is none. */
function checkedColon(tag: string, at: number): number {
  const colon = tag.indexOf(':');
  if (colon !== -1 && (colon === tag.length - 1 || tag.includes(':', colon + 1))) {
    throw new XmlFault(at, `${tag} has colons out of place`);
  }
  return colon;
}

function resolvePrefix(scope: Scope | undefined, prefix: string, at: number): string {
  for (let one = scope; one !== undefined; one = one.outer) {
    if (one.prefix === prefix) return one.uri;
  }
  if (prefix === '') return '';
  if (prefix === 'xml') return XML_NAMESPACE;
  throw new XmlFault(at, `the prefix ${prefix} is not declared`);
}

function resolveAttributes(
  raw: readonly RawAttribute[],
  scope: Scope | undefined,
): readonly XmlAttribute[] {
  const found: XmlAttribute[] = [];
  for (let index = 0; index < raw.length; index += 1) {
    const one = raw[index];
    if (one === undefined) continue;
    const { tag, value, at } = one;
    // They are few, by the limit.
    for (let before = 0; before < index; before += 1) {
      if (raw[before]?.tag === tag) throw new XmlFault(at, `the attribute ${tag} is there twice`);
    }
    if (tag === 'xmlns' || tag.startsWith('xmlns:')) continue;
    const colon = checkedColon(tag, at);
    const namespace = colon === -1 ? '' : resolvePrefix(scope, tag.slice(0, colon), at);
    found.push({ name: colon === -1 ? tag : tag.slice(colon + 1), namespace, value });
  }
  return found;
}
