/** The characters of XML: which there are, how bytes become them, what stands for what. */
import { DroverError } from './errors.ts';

/** Where in the text it went wrong; becomes a sentence with line and column at the end. */
export class XmlFault extends Error {
  override readonly name = 'XmlFault';
  readonly at: number;
  readonly kind: 'invalid_argument' | 'data_loss';

  constructor(at: number, message: string, kind: XmlFault['kind'] = 'invalid_argument') {
    super(message);
    this.at = at;
    this.kind = kind;
  }

  toError(text: string): DroverError {
    const before = text.slice(0, this.at);
    const line = before.split('\n').length;
    const column = this.at - before.lastIndexOf('\n');
    const where = `line ${line}, column ${column}`;
    // A name in the message is as long as whoever wrote the document liked.
    const what = this.message.length > 200 ? `${this.message.slice(0, 200)}…` : this.message;
    return new DroverError(this.kind, `the XML is damaged at ${where}: ${what}`, {
      reason: this.kind === 'data_loss' ? 'XML_CUT_OFF' : 'XML_MALFORMED',
      metadata: { line: String(line), column: String(column) },
    });
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/** UTF-8 only: everybody who sends us XML writes that. */
export function decodeXmlBytes(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 200));
  const declared = /^(?:\ufeff)?<\?xml[^>]*\bencoding\s*=\s*["']([\w.-]+)["']/.exec(
    start.toString('latin1').replace(/^\u00ef\u00bb\u00bf/, ''),
  )?.[1];
  if (declared !== undefined && !/^(?:utf-?8|us-ascii|ascii)$/i.test(declared)) {
    throw malformed(`the XML is declared as ${declared.slice(0, 40)}; it must be UTF-8`);
  }
  try {
    return decoder.decode(bytes);
  } catch {
    throw malformed('the XML is not valid UTF-8');
  }
}

function malformed(message: string): DroverError {
  return new DroverError('invalid_argument', message, { reason: 'XML_MALFORMED' });
}

const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Undefined when all of it may stand in XML; otherwise where the first that may not is. */
export function findForbidden(text: string): number | undefined {
  const found = text.search(CONTROL);
  const lone = found === -1 && !text.isWellFormed() ? text.search(LONE_SURROGATE) : found;
  return lone === -1 ? undefined : lone;
}

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};
const REFERENCE = /&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|([a-z]{2,4}));|&/g;

/** Line ends become `\n`, references what they stand for. `at` is where the text was found. */
export function expandText(raw: string, at: number): string {
  const text = raw.includes('\r') ? raw.replace(/\r\n?/g, '\n') : raw;
  if (!text.includes('&')) return text;
  return text.replace(REFERENCE, (all, hex?: string, decimal?: string, name?: string) => {
    const known = name === undefined ? undefined : NAMED[name];
    if (known !== undefined) return known;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    if (Number.isInteger(code) && code <= 0x10ffff) {
      const character = String.fromCodePoint(code);
      if (findForbidden(character) === undefined) return character;
    }
    throw new XmlFault(at, `${all.slice(0, 20)} stands for nothing that is known`);
  });
}

/** Blanks of every kind in an attribute are spaces, unless they are written as references. */
export function normalizeAttribute(raw: string): string {
  return /[\t\r\n]/.test(raw) ? raw.replace(/\r\n|[\t\r\n]/g, ' ') : raw;
}

/** All beyond ASCII is taken for letters. */
export function isNameStart(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f || code > 0x7f
  );
}

/** With the colon, which `xml.ts` looks at by itself. */
export function isNameCode(code: number): boolean {
  return isNameStart(code) || (code >= 0x30 && code <= 0x3a) || code === 0x2d || code === 0x2e;
}
