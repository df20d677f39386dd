/** Names and sizes of files, words in comments, and what must not be in any tracked file. */
import { basename } from 'node:path/posix';
import type { Source, SyntaxNode } from './source-tree.ts';

const MOST_LINES = 400;
const MOST_COLUMNS = 100;
const EMPTY_NAMES = ['index', 'util', 'helper', 'common', 'type', 'manager', 'misc', 'shared'];
const UNFINISHED = /\b(for now|not (yet )?implemented|@ts-ignore|@ts-nocheck)\b/i;

export function checkFileShape({ path, text }: Source): string[] {
  const problems: string[] = [];
  const lines = text.trimEnd().split('\n');
  if (lines.length > MOST_LINES) {
    problems.push(`${path} has ${lines.length} lines, ${MOST_LINES} is the limit: split it.`);
  }
  lines.forEach((line, index) => {
    if (line.length <= MOST_COLUMNS || line.includes('://')) return;
    problems.push(`${path}:${index + 1} is longer than ${MOST_COLUMNS} columns: break it.`);
  });
  const words = basename(path).split('.')[0]?.toLowerCase().split('-') ?? [];
  if (EMPTY_NAMES.includes(words.at(-1)?.replace(/s$/, '') ?? '')) {
    problems.push(`${path} does not say what it holds: name it for the one thing it exports.`);
  }
  return problems;
}

/** What people read in the page stands in web/src/text/, so that it is in one place. */
export function checkMarkupText(source: Source): string[] {
  const { path } = source;
  if (!path.endsWith('.tsx')) return [];
  return source.nodes.flatMap((node) => {
    const text = wordsOf(node);
    if (text === undefined || !/[a-z]{2}/i.test(text)) return [];
    const where = `${path}:${source.lineAt(node.start)}`;
    return [`${where} says ${JSON.stringify(text)}: take the words from #web/text/.`];
  });
}

const READ_ATTRIBUTES = new Set(['aria-label', 'alt', 'label', 'placeholder', 'title']);

function wordsOf(node: SyntaxNode): string | undefined {
  if (node.type === 'JSXText') return String(node['value']).trim();
  if (node.type !== 'JSXAttribute') return undefined;
  const name = node['name'] as SyntaxNode;
  const value = node['value'] as SyntaxNode | null;
  const isRead = READ_ATTRIBUTES.has(String(name['name'])) && value?.type === 'Literal';
  return isRead ? String(value['value']) : undefined;
}

export function checkComments({ path, comments }: Source): string[] {
  return comments.flatMap(({ value, line }) => {
    const words = UNFINISHED.exec(value)?.[0];
    return words === undefined
      ? []
      : [`${path}:${line} says "${words}": finish it, or leave it out and say so in the docs.`];
  });
}

/** Somebody's own directories: none of them exists where the next person clones. */
const MACHINE_PATH = /(?<![\w.$~}-])\/(?:work\/|home\/[a-z]\w*\/|root\/\.)/;

export function checkMachinePaths(path: string, text: string): string[] {
  return text.split('\n').flatMap((line, index) => {
    const found = MACHINE_PATH.exec(line)?.[0];
    if (found === undefined) return [];
    return [`${path}:${index + 1} names ${found}, a directory of one machine: make it relative.`];
  });
}

/** Names that stand first in a table row or list item, in backquotes: `| \`not_found\` | …`. */
export function namesDocumentedIn(markdown: string): string[] {
  return [...markdown.matchAll(/^(?:\||-) `([^`]+)`/gm)].map((match) => match[1] ?? '');
}

/** Both lists must hold the same names; says which side lacks which. */
export function compareNames(
  actual: readonly string[],
  documented: readonly string[],
  document: string,
): string[] {
  const undocumented = actual.filter((name) => !documented.includes(name));
  const retired = documented.filter((name) => !actual.includes(name));
  return [
    ...undocumented.map((name) => `${document} does not mention \`${name}\`: add a line for it.`),
    ...retired.map((name) => `${document} mentions \`${name}\`, which is no more: remove it.`),
  ];
}
