/** What Node offers and Drover does not use, or only in one place. Each ban names the way out. */
import type { Source, SyntaxNode } from './source-tree.ts';
import { dottedName } from './source-tree.ts';

interface Ban {
  readonly uses: readonly string[];
  /** Path prefixes where it is at home. */
  readonly homes: readonly string[];
  /** Tests beside the code obey it as well. */
  readonly inTests: boolean;
  readonly instead: string;
}

const BANS: readonly Ban[] = [
  {
    uses: ['process.env'],
    homes: ['src/apps/'],
    inTests: false,
    instead: 'take the setting as a parameter; src/apps/drover/env.ts alone reads the environment',
  },
  {
    uses: ['process.on', 'process.once', 'process.addListener', 'process.exit'],
    homes: ['src/apps/'],
    inTests: false,
    instead: 'take an AbortSignal; src/apps/ joins the signals of the process into it',
  },
  {
    uses: ['console.log', 'console.error', 'console.warn', 'console.info', 'console.debug'],
    homes: ['src/apps/'],
    inTests: false,
    instead: 'take a Log from #kernel/log.ts',
  },
  {
    uses: ['Date.now', 'performance.now', 'setTimeout()', 'setInterval()', 'new Date()'],
    homes: ['src/kernel/'],
    inTests: true,
    instead: 'take a Clock from #kernel/clock.ts; tests advance a FakeClock or await an event',
  },
  {
    uses: ['node:timers', 'node:timers/promises', 'timers', 'timers/promises'],
    homes: ['src/kernel/'],
    inTests: true,
    instead: 'take a Clock from #kernel/clock.ts; tests advance a FakeClock or await an event',
  },
  {
    uses: ['Math.random'],
    homes: ['src/kernel/'],
    inTests: true,
    instead: 'use #kernel/random.ts',
  },
];

/** These hold in every file, tests and scripts included. */
const BANS_EVERYWHERE: readonly Ban[] = [
  {
    uses: ['child_process.exec', 'child_process.execSync', 'shell: true'],
    homes: [],
    inTests: true,
    instead: 'use spawn or execFile with an array of arguments; no shell ever reads our words',
  },
  {
    uses: ['as unknown as'],
    homes: [],
    inTests: true,
    instead: 'parse the value, or narrow it with a type guard, so that the compiler checks it',
  },
];

export function checkBannedUses(source: Source): string[] {
  const bans = [...BANS_EVERYWHERE, ...(source.path.startsWith('src/') ? BANS : [])].filter(
    (ban) =>
      !ban.homes.some((home) => source.path.startsWith(home)) &&
      (ban.inTests || !source.path.endsWith('.test.ts')),
  );
  return usesIn(source).flatMap(({ use, line }) =>
    bans
      .filter((ban) => ban.uses.includes(use))
      .map((ban) => `${source.path}:${line} uses ${use}: ${ban.instead}.`),
  );
}

interface Use {
  readonly use: string;
  readonly line: number;
}

function usesIn(source: Source): Use[] {
  const inCode = source.nodes.flatMap((node) =>
    useOf(node).map((use) => ({ use, line: source.lineAt(node.start) })),
  );
  return [...inCode, ...source.imports.map(({ specifier, line }) => ({ use: specifier, line }))];
}

function useOf(node: SyntaxNode): string[] {
  switch (node.type) {
    case 'MemberExpression':
      return [dottedName(node)].filter((name) => name !== undefined);
    case 'CallExpression':
      return [`${dottedName(node['callee'])}()`];
    case 'NewExpression':
      return (node['arguments'] as unknown[]).length === 0
        ? [`new ${dottedName(node['callee'])}()`]
        : [];
    case 'ImportDeclaration':
      return childProcessImports(node);
    case 'Property':
      return isShellTrue(node) ? ['shell: true'] : [];
    case 'TSAsExpression':
      return isCastToUnknown(node['expression'] as SyntaxNode) ? ['as unknown as'] : [];
    default:
      return [];
  }
}

function childProcessImports(node: SyntaxNode): string[] {
  const from = (node['source'] as SyntaxNode)['value'];
  if (from !== 'node:child_process' && from !== 'child_process') return [];
  return (node['specifiers'] as SyntaxNode[]).map(
    (specifier) => `child_process.${dottedName(specifier['imported'])}`,
  );
}

function isShellTrue(node: SyntaxNode): boolean {
  return dottedName(node['key']) === 'shell' && (node['value'] as SyntaxNode)['value'] === true;
}

function isCastToUnknown(node: SyntaxNode): boolean {
  if (node.type !== 'TSAsExpression') return false;
  return (node['typeAnnotation'] as SyntaxNode).type === 'TSUnknownKeyword';
}
