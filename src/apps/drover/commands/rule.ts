/** Threshold rules: what is compared with what, and whom that concerns. */
import { openRestClient } from '#apps/drover/client/rest-client.ts';
import type { RestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { formatTable, printable } from '#apps/drover/client/text-table.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, Invocation, OptionTable, OptionValues } from '#apps/drover/command.ts';
import { invalidArgument } from '#kernel/errors.ts';

/** As the API answers it. */
export interface WireRule {
  readonly id: string;
  readonly name: string;
  readonly customer_id: string | null;
  readonly source: string;
  readonly overridden: boolean;
  readonly metric?: string;
  readonly match?: readonly string[];
  readonly expr?: string;
  readonly comparison: string;
  readonly value: number;
  readonly for: string;
  readonly severity: string;
  readonly enabled: boolean;
  readonly description: string;
  readonly health: { readonly status: string; readonly error: string | null };
  readonly alerts: { readonly pending: number; readonly firing: number };
}

const RULES = '/api/v1/rules';
const MOST_WORDS = 100;
const OPTIONS: OptionTable = { ...SERVER_OPTIONS, ...JSON_OPTION };
const SEVERITIES = ['info', 'warning', 'critical'];

export const ruleList: Command = {
  name: 'rule list',
  group: 'Alerts',
  usage: '',
  summary: 'List the rules, and how it goes with each',
  options: {
    customer: { kind: 'text', argument: 'ID', doc: 'Only those of this customer.' },
    ...OPTIONS,
  },
  words: { least: 0, most: 0 },
  async run(invocation) {
    const { options, terminal } = invocation;
    const api = await openRestClient(invocation, 'operator');
    const customer = options.text('customer');
    const query = customer === undefined ? '' : `?customer_id=${encodeURIComponent(customer)}`;
    const rules = (await api.all(`${RULES}${query}`, 'rules')) as readonly WireRule[];
    if (options.flag('json')) {
      await terminal.write(`${JSON.stringify({ rules }, null, 2)}\n`);
      return;
    }
    const header = ['NAME', 'OWNER', 'SOURCE', 'SEVERITY', 'STATE', 'CONDITION'];
    await terminal.write(formatTable(header, rules.toSorted(byOwnerAndName).map(ruleToCells)));
  },
};

export const ruleShow: Command = {
  name: 'rule show',
  group: 'Alerts',
  usage: 'NAME|ID',
  summary: 'Show a rule',
  options: OPTIONS,
  words: { least: 1, most: 1 },
  async run(invocation) {
    const [id = ''] = invocation.words;
    const api = await openRestClient(invocation, 'operator');
    await printRule((await api.call('GET', pathOf(id))) as WireRule, invocation);
  },
};

export const ruleAdd: Command = {
  name: 'rule add',
  group: 'Alerts',
  usage: 'NAME',
  summary: 'Make a rule',
  details: ['It compares each series of a metric, or each that an expression answers.'],
  options: {
    metric: { kind: 'text', argument: 'METRIC', doc: 'What is compared, at every sample.' },
    match: {
      kind: 'list',
      argument: 'MATCHER',
      doc: 'Only series with this label, such as device!~"loop.*".',
    },
    expr: { kind: 'text', argument: 'PROMQL', doc: 'An expression, instead of a metric.' },
    every: { kind: 'text', argument: 'TIME', doc: 'How often it is evaluated. Default: 15s.' },
    when: {
      kind: 'text',
      argument: 'CONDITION',
      doc: 'A comparison and a number: "> 90". Comparisons: > >= < <= == !=.',
    },
    for: { kind: 'text', argument: 'TIME', doc: 'How long that must be so first, such as 5m.' },
    hysteresis: { kind: 'text', argument: 'N', doc: 'How far back is back.' },
    cooldown: { kind: 'text', argument: 'TIME', doc: 'The least time between two notices.' },
    repeat: { kind: 'text', argument: 'TIME', doc: 'Tell it again so often while it fires.' },
    severity: { kind: 'text', argument: 'LEVEL', doc: 'How bad it is.', choices: SEVERITIES },
    label: { kind: 'list', argument: 'NAME=VALUE', doc: 'Added to what is told.' },
    description: { kind: 'text', argument: 'TEXT', doc: 'For whoever is told.' },
    customer: { kind: 'text', argument: 'ID', doc: 'Whose rule it is (for operators).' },
    disabled: { kind: 'flag', doc: 'Make it, but do not switch it on.' },
    ...OPTIONS,
  },
  examples: [
    `drover rule add warm --metric node_hwmon_temp_celsius --when '> 60' --for 10m`,
    `drover rule add errors --expr 'rate(node_network_receive_errs_total[5m])' --when '> 1'`,
  ],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const [name = ''] = invocation.words;
    const body = optionsToRule(name, invocation.options);
    const api = await openRestClient(invocation, 'operator');
    await printRule((await api.call('POST', RULES, body)) as WireRule, invocation);
  },
};

export const ruleRemove: Command = {
  name: 'rule remove',
  group: 'Alerts',
  usage: 'NAME|ID…',
  summary: 'Remove rules; one that ships with Drover is as it ships again',
  options: OPTIONS,
  words: { least: 1, most: MOST_WORDS },
  async run(invocation) {
    await forEachRule(invocation, async (api, id) => {
      await api.call('DELETE', pathOf(id));
      return { text: `removed ${id}`, plain: { removed: id } };
    });
  },
};

export const ruleEnable: Command = switchCommand('enable', 'Switch rules on', true);
export const ruleDisable: Command = switchCommand('disable', 'Switch rules off', false);

function switchCommand(verb: string, summary: string, enabled: boolean): Command {
  return {
    name: `rule ${verb}`,
    group: 'Alerts',
    usage: 'NAME|ID…',
    summary,
    options: OPTIONS,
    words: { least: 1, most: MOST_WORDS },
    async run(invocation) {
      await forEachRule(invocation, async (api, id) => {
        const rule = (await api.call('PATCH', pathOf(id), { enabled })) as WireRule;
        return { text: `${verb}d ${rule.name}`, plain: rule };
      });
    },
  };
}

/** One after the other; the first failure ends it and is the one that is told. */
async function forEachRule(
  invocation: Invocation,
  work: (api: RestClient, id: string) => Promise<{ text: string; plain: object }>,
): Promise<void> {
  const { words, options, terminal } = invocation;
  const api = await openRestClient(invocation, 'operator');
  for (const id of words) {
    const { text, plain } = await work(api, id);
    await terminal.write(`${options.flag('json') ? JSON.stringify(plain) : text}\n`);
  }
}

function optionsToRule(name: string, options: OptionValues): object {
  const [, comparison, number] =
    /^\s*(>=|<=|==|!=|>|<)\s*(\S+)\s*$/.exec(options.text('when') ?? '') ?? [];
  const value = toNumber(number);
  if (comparison === undefined || value === undefined) {
    throw invalidArgument('--when', 'must be a comparison and a number, such as "> 90"');
  }
  const hysteresis = options.text('hysteresis');
  if (hysteresis !== undefined && toNumber(hysteresis) === undefined) {
    throw invalidArgument('--hysteresis', `must be a number, not ${hysteresis}`);
  }
  const texts = ['metric', 'expr', 'every', 'for', 'cooldown', 'repeat', 'severity', 'description'];
  const match = options.list('match');
  const labels = options.list('label');
  return {
    name,
    comparison,
    value,
    // What is left out of an object is left out of its JSON.
    ...Object.fromEntries(texts.map((field) => [field, options.text(field)])),
    match: match.length === 0 ? undefined : match,
    labels: labels.length === 0 ? undefined : Object.fromEntries(labels.map(splitLabel)),
    hysteresis: toNumber(hysteresis),
    customer_id: options.text('customer'),
    enabled: !options.flag('disabled'),
  };
}

function splitLabel(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw invalidArgument('--label', `must be NAME=VALUE, not ${text}`);
}

function toNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

function pathOf(id: string): string {
  return `${RULES}/${encodeURIComponent(id)}`;
}

async function printRule(rule: WireRule, { options, terminal }: Invocation): Promise<void> {
  if (options.flag('json')) {
    await terminal.write(`${JSON.stringify(rule, null, 2)}\n`);
    return;
  }
  const rows = Object.entries(rule)
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => [name, printable(toText(value))]);
  await terminal.write(formatTable([], rows));
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function byOwnerAndName(a: WireRule, b: WireRule): number {
  const [first, second] = [a, b].map(({ customer_id, name }) => `${customer_id ?? ''} ${name}`);
  return (first ?? '') < (second ?? '') ? -1 : 1;
}

function ruleToCells(rule: WireRule): string[] {
  const { name, customer_id: owner, source, overridden, severity } = rule;
  const match = (rule.match ?? []).length === 0 ? '' : `{${(rule.match ?? []).join(',')}}`;
  const subject = rule.expr ?? `${rule.metric}${match}`;
  const held = rule.for === '0s' ? '' : ` for ${rule.for}`;
  return [
    name,
    owner ?? '-',
    source === 'default' && overridden ? 'changed' : source,
    severity,
    stateOf(rule),
    printable(`${subject} ${rule.comparison} ${rule.value}${held}`),
  ];
}

function stateOf({ health, alerts }: WireRule): string {
  if (alerts.firing > 0) return `${alerts.firing} firing`;
  if (alerts.pending > 0) return `${alerts.pending} pending`;
  return health.status.replace('_', ' ');
}
