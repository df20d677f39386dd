/** Labels that functions make: label_replace, label_join, absent. */
import { METRIC_NAME, createLabels, isLabelName, type Labels } from '#metrics/labels.ts';
import { labelOf } from './column.ts';
import { executionError } from './query-error.ts';
import { compileReplacePattern } from './replace-pattern.ts';
import type { Expression } from './syntax-tree.ts';

export type LabelFunction = (labels: Labels) => Labels;

function withLabel(labels: Labels, name: string, value: string): Labels {
  return createLabels(Object.entries({ ...labels, [name]: value }));
}

function expectLabelName(name: string, which: string): void {
  if (isLabelName(name)) return;
  throw executionError(`invalid ${which}: ${JSON.stringify(name)} is no label name`);
}

/** The arguments after the vector: where to, with what, from where, matching what. */
export function labelReplacer(args: readonly string[]): LabelFunction {
  const [target = '', template = '', source = '', pattern = ''] = args;
  const compiled = orRefuse(() => compileReplacePattern(pattern));
  expectLabelName(target, 'destination label name in label_replace()');
  return (labels) => {
    const found = orRefuse(() => compiled.exec(labelOf(labels, source)));
    return found === null ? labels : withLabel(labels, target, expand(template, found));
  };
}

function orRefuse<T>(act: () => T): T {
  try {
    return act();
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : '';
    throw executionError(`invalid regular expression in label_replace(): ${why}`);
  }
}

/** `$1`, `${1}`, `$name`, `${name}`; `$$` is a dollar. What matched nothing gives nothing. */
function expand(template: string, found: RegExpExecArray): string {
  return template.replaceAll(
    /\$(?:(\$)|\{(\w+)\}|(\w+))/g,
    (_, dollar: string | undefined, braced: string | undefined, bare: string | undefined) => {
      if (dollar !== undefined) return '$';
      const name = braced ?? bare ?? '';
      const group = /^\d+$/.test(name) ? found[Number(name)] : found.groups?.[name];
      return group ?? '';
    },
  );
}

/** The arguments after the vector: where to, what goes between, from where. */
export function labelJoiner(args: readonly string[]): LabelFunction {
  const [target = '', separator = '', ...sources] = args;
  for (const source of sources) expectLabelName(source, 'source label name in label_join()');
  expectLabelName(target, 'destination label name in label_join()');
  return (labels) =>
    withLabel(labels, target, sources.map((source) => labelOf(labels, source)).join(separator));
}

/** What `absent` answers with: the labels that the selector says a series would have. */
export function labelsOfAbsent(node: Expression): Labels {
  const selector = node.kind === 'matrix' ? node.selector : node;
  if (selector.kind !== 'selector') return {};
  const labels = new Map<string, string>();
  const seen = new Set<string>();
  for (const { label, operator, value } of selector.matchers) {
    if (label === METRIC_NAME) continue;
    if (operator === '=' && !seen.has(label)) {
      labels.set(label, value);
      seen.add(label);
    } else labels.delete(label);
  }
  return createLabels(labels);
}
