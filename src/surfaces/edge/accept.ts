/** What a client says it takes: the weights of Accept and Accept-Encoding. */

const MAX_HEADER_CHARS = 1024;

/** The q of the most specific range that covers the type; 0 when none does. */
export function weightOf(accept: string, type: string): number {
  const anyOfKind = `${type.split('/', 1)[0]}/*`;
  let best = { rank: 0, q: 0 };
  for (const range of splitRanges(accept)) {
    const { name, q } = range;
    const rank = name === type ? 3 : name === anyOfKind ? 2 : name === '*/*' ? 1 : 0;
    if (rank > best.rank) best = { rank, q };
  }
  return best.q;
}

/** Whether the client would rather have the encoding than none; silence is no. */
export function acceptsEncoding(header: string | string[] | undefined, encoding: string): boolean {
  if (typeof header !== 'string') return false;
  const ranges = splitRanges(header);
  const range =
    ranges.find(({ name }) => name === encoding) ?? ranges.find(({ name }) => name === '*');
  return range !== undefined && range.q > 0;
}

function splitRanges(header: string): readonly { readonly name: string; readonly q: number }[] {
  return header
    .slice(0, MAX_HEADER_CHARS)
    .toLowerCase()
    .split(',')
    .map((range) => {
      const [name = '', ...parameters] = range.split(';').map((part) => part.trim());
      const q = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
      return { name, q: /^(?:0|1)(?:\.\d{0,3})?$/.test(q) ? Number(q) : 0 };
    });
}
