/**
 * YAML as strangers may send it. Reading it takes many times as long as JSON, and nobody else is
 * served meanwhile: so it is bounded in length, in depth, and in what its aliases stand for, all
 * before the library could run out of time or stack.
 */
import { isScalar, parseDocument, visit, type Document } from 'yaml';
import { DroverError } from '#kernel/errors.ts';

const MOST_ALIASES = 100;
const MOST_TOLD = 160;
const MOST_BRACKETS = 64;
/** Blocks are nested by columns, or by marks that stand one after the other. */
const DEEP_BLOCK = /^[ \t?:-]{257}/m;

export function parseYaml(text: string): unknown {
  assertShallow(text);
  try {
    // Its own search for a key that is there twice compares each with all the others.
    const document = parseDocument(text, { ...RULES, uniqueKeys: false });
    const [error] = document.errors;
    if (error !== undefined)
      throw refusal(error.message, { text, at: error.pos[0], code: error.code });
    assertUniqueKeys(document, text);
    return (document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown) ?? undefined;
  } catch (cause) {
    if (cause instanceof DroverError) throw cause;
    throw refusal(cause instanceof ReferenceError ? ALIASES : 'it cannot be read', { cause });
  }
}

/** What errors look like is for us to say, and takes time for each of them. */
const RULES = { schema: 'core', strict: true, prettyErrors: false, logLevel: 'error' } as const;
const ALIASES = 'its aliases stand for too much';
/** In our words, where the library's speak to programmers. */
const WORDS: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'it holds more than one document',
  RESOURCE_EXHAUSTION: 'it is nested too deeply',
};

function assertShallow(text: string): void {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (letter === '[' || letter === '{') depth += 1;
    else if (letter === ']' || letter === '}') depth -= 1;
    if (depth > MOST_BRACKETS) throw refusal(WORDS['RESOURCE_EXHAUSTION'], { text, at });
    if (depth < -MOST_BRACKETS) throw refusal('a bracket closes nothing', { text, at });
  }
  if (DEEP_BLOCK.test(text)) throw refusal(WORDS['RESOURCE_EXHAUSTION'], {});
}

function assertUniqueKeys(document: Document.Parsed, text: string): void {
  visit(document, {
    Map(_key, map) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        const at = key.range?.[0];
        if (seen.has(name))
          throw refusal(`the key ${name.slice(0, 60)} is there twice`, { text, at });
        seen.add(name);
      }
    },
  });
}

interface Circumstances {
  readonly text?: string;
  readonly at?: number | undefined;
  readonly code?: string;
  readonly cause?: unknown;
}

function refusal(what = '', { text = '', at, code = '', cause }: Circumstances): DroverError {
  const [line = ''] = (WORDS[code] ?? what).split('\n', 1);
  const where = at === undefined ? '' : `line ${text.slice(0, at).split('\n').length}: `;
  return new DroverError(
    'invalid_argument',
    `the request body is not valid YAML: ${where}${line.slice(0, MOST_TOLD)}`,
    { reason: 'MALFORMED_YAML', cause },
  );
}
