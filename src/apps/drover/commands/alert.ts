import { openRestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { formatAge, formatTable, printable } from '#apps/drover/client/text-table.ts';
import type { WireAlert } from '#apps/drover/client/wire-alert.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command } from '#apps/drover/command.ts';

export const alertList: Command = {
  name: 'alert list',
  group: 'Alerts',
  usage: '',
  summary: 'List what crosses a threshold now',
  options: {
    state: {
      kind: 'text',
      argument: 'STATE',
      doc: 'Only these.',
      choices: ['pending', 'firing'],
    },
    severity: {
      kind: 'text',
      argument: 'LEVEL',
      doc: 'Only these.',
      choices: ['info', 'warning', 'critical'],
    },
    rule: { kind: 'text', argument: 'NAME|ID', doc: 'Only of this rule.' },
    ...SERVER_OPTIONS,
    ...JSON_OPTION,
  },
  examples: ['drover alert list --state firing'],
  words: { least: 0, most: 0 },
  async run(invocation) {
    const { options, terminal, clock } = invocation;
    const query = new URLSearchParams();
    for (const name of ['state', 'severity', 'rule']) {
      const value = options.text(name);
      if (value !== undefined) query.set(name, value);
    }
    const api = await openRestClient(invocation, 'operator');
    const path = `/api/v1/alerts${query.size === 0 ? '' : `?${query.toString()}`}`;
    const alerts = (await api.all(path, 'alerts')) as readonly WireAlert[];
    if (options.flag('json')) {
      await terminal.write(`${JSON.stringify({ alerts }, null, 2)}\n`);
      return;
    }
    const rows = alerts.map((alert) => [
      alert.rule_name,
      alert.state,
      alert.severity,
      formatAge(clock.nowMs() - Date.parse(alert.since)),
      `${alert.value === null ? '?' : Number(alert.value.toPrecision(6))}`,
      `${alert.comparison} ${alert.threshold}`,
      printable(
        Object.entries(alert.labels)
          .map(([name, value]) => `${name}=${value}`)
          .join(' '),
      ),
    ]);
    const header = ['RULE', 'STATE', 'SEVERITY', 'FOR', 'VALUE', 'THRESHOLD', 'LABELS'];
    await terminal.write(formatTable(header, rows));
    if (alerts.length === 0) terminal.note('no alerts');
  },
};
