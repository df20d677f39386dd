/**
 * A small reader of XML for the test double, apart from the one under test: what both got wrong
 * in the same way would never show. Names are resolved to their namespaces.
 */
export interface XmlElement {
  readonly name: string;
  readonly namespace: string;
  /** By local name; those of XML Schema as `xsi:type` whatever their prefix was. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  readonly text: string;
}

const XSI = 'http://www.w3.org/2001/XMLSchema-instance';
const TOKENS = [
  ...['<!--.*?-->', '<\\?.*?\\?>', '<!\\[CDATA\\[(?<cdata>.*?)\\]\\]>'],
  '<(?<close>/?)(?<name>[^\\s/>]+)(?<attributes>[^>]*?)(?<empty>/?)>',
  '(?<text>[^<]+)',
];
const TOKEN = new RegExp(TOKENS.join('|'), 'gs');
const ATTRIBUTE = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
};

interface Open {
  readonly element: { name: string; namespace: string; text: string };
  readonly attributes: Map<string, string>;
  readonly children: XmlElement[];
  readonly prefixes: ReadonlyMap<string, string>;
}

export function parseXml(xml: string): XmlElement {
  const root = open('', '', new Map());
  const stack: Open[] = [root];
  for (const { groups = {} } of xml.matchAll(TOKEN)) {
    const top = stack.at(-1) ?? root;
    if (groups['cdata'] !== undefined) top.element.text += groups['cdata'];
    else if (groups['text'] !== undefined) top.element.text += unescapeXml(groups['text']);
    else if (groups['close'] === '/') stack.pop();
    else if (groups['name'] !== undefined) {
      const next = open(groups['name'], groups['attributes'] ?? '', top.prefixes);
      top.children.push(finish(next));
      if (groups['empty'] !== '/') stack.push(next);
    }
  }
  const [only] = root.children;
  if (only === undefined || stack.length !== 1) throw new Error('this is no XML document');
  return only;
}

function open(name: string, attributeText: string, outer: ReadonlyMap<string, string>): Open {
  const raw = [...attributeText.matchAll(ATTRIBUTE)].map(
    ([, key = '', double, single]) => [key, unescapeXml(double ?? single ?? '')] as const,
  );
  const prefixes = new Map(outer);
  for (const [key, value] of raw) {
    if (key === 'xmlns') prefixes.set('', value);
    else if (key.startsWith('xmlns:')) prefixes.set(key.slice('xmlns:'.length), value);
  }
  const attributes = new Map<string, string>();
  for (const [key, value] of raw) {
    if (key === 'xmlns' || key.startsWith('xmlns:')) continue;
    const [prefix, local] = split(key);
    if (prefix !== '' && !prefixes.has(prefix)) throw new Error(`${key}: a prefix of nothing`);
    attributes.set(prefixes.get(prefix) === XSI ? `xsi:${local}` : local, value);
  }
  const [prefix, local] = split(name);
  const element = { name: local, namespace: prefixes.get(prefix) ?? '', text: '' };
  return { element, attributes, children: [], prefixes };
}

/** The children and the text are still growing behind what this answers. */
function finish({ element, attributes, children }: Open): XmlElement {
  return Object.assign(element, { attributes, children });
}

function split(name: string): readonly [string, string] {
  const colon = name.indexOf(':');
  return colon < 0 ? ['', name] : [name.slice(0, colon), name.slice(colon + 1)];
}

function unescapeXml(text: string): string {
  return text.replaceAll(/&(#x?)?(\w+);/g, (whole, number: string | undefined, name: string) => {
    if (number === undefined) return ENTITIES[name] ?? whole;
    return String.fromCodePoint(Number.parseInt(name, number === '#' ? 10 : 16));
  });
}

export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

export function childOf(
  element: XmlElement | undefined,
  ...path: string[]
): XmlElement | undefined {
  let found = element;
  for (const name of path) found = found?.children.find((child) => child.name === name);
  return found;
}

export function textOf(element: XmlElement | undefined, ...path: string[]): string | undefined {
  return childOf(element, ...path)?.text.trim();
}
