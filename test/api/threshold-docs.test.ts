/** What docs/thresholds.md says is so: its table of rules, its YAML, and its commands in order. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { parseRules } from '#metrics/thresholds/config-rules.ts';
import { DEFAULT_RULES } from '#metrics/thresholds/default-rules.ts';
import { durationToText } from '#metrics/thresholds/duration.ts';
import { createRuleApi } from '#test/rule-api.ts';
import { openWorld } from '#test/threshold-fixture.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/thresholds.md'), 'utf8');

function blocks(language: string): string[] {
  return [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(
    ([, text = '']) => text,
  );
}

interface Request {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string | undefined;
}

/** The commands of the page as curl would understand them. */
function curlRequests(): Request[] {
  const text = blocks('sh').join('\n').replaceAll('\\\n', ' ');
  return [...text.matchAll(/^curl (?:'[^']*'|[^\n'])*/gm)].map(([command]) => {
    const words = (command.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", ''));
    const request: Request = { method: '', url: '', headers: {}, body: undefined };
    for (let at = 1; at < words.length; at += 1) {
      const word = words[at] ?? '';
      if (word === '-s') continue;
      if (!word.startsWith('-')) {
        request.url = word;
        continue;
      }
      at += 1;
      const value = words[at] ?? '';
      if (word === '-X') request.method = value;
      else if (word === '-d') request.body = value;
      else if (word === '-H') {
        const [name = '', header = ''] = value.split(': ');
        request.headers[name.toLowerCase()] = header;
      } else assert.fail(`an option this test does not know: ${word}`);
    }
    request.method ||= request.body === undefined ? 'GET' : 'POST';
    return request;
  });
}

describe('docs/thresholds.md', () => {
  it('lists the rules that ship with Drover, with their numbers', () => {
    const rows = [...PAGE.matchAll(/^\| `([\w-]+)` +\| `((?:drover|node)_\w+)` +\| (.*) \|$/gm)];
    const documented = rows.map(([, name, metric, rest = '']) => {
      return [name, metric, ...rest.split('|').map((cell) => cell.trim())];
    });
    const shipped = DEFAULT_RULES.map((rule) => [
      rule.name,
      rule.subject.kind === 'metric' ? rule.subject.metric : '',
      `${rule.comparison} ${rule.value}`,
      durationToText(rule.forMs),
      `${rule.hysteresis}`,
      rule.severity,
    ]);
    assert.deepEqual(documented, shipped);
    for (const { name, cooldownMs } of DEFAULT_RULES) {
      assert.match(PAGE, new RegExp(`^- .*\\*\\*${name}\\*\\*`, 'm'), `why ${name}`);
      assert.equal(cooldownMs, (name === 'machine-down' ? 5 : 10) * 60_000);
    }
  });

  it('has a config file that is taken', () => {
    const [yaml = ''] = blocks('yaml');
    const { rules } = parse(yaml) as { rules: unknown };
    assert.deepEqual(
      parseRules(rules).map(({ name, value, isEnabled }) => [name, value, isEnabled]),
      [
        ['cpu-usage', 95, true],
        ['swap-usage', 80, false],
        ['root-disk', 80, true],
      ],
    );
  });

  it('has requests that work, one after the other', async () => {
    await using world = await openWorld({ configRules: [], defaults: DEFAULT_RULES });
    const app = createRuleApi(world.thresholds);
    const requests = curlRequests();
    const statuses: string[] = [];
    for (const { method, url, headers, body } of requests) {
      const { pathname, search } = new URL(url);
      const answer = await app.inject({
        method: method as 'GET',
        url: `${pathname}${search}`,
        headers,
        ...(body === undefined ? {} : { payload: body }),
      });
      statuses.push(`${method} ${pathname} ${answer.statusCode}`);
    }
    assert.deepEqual(statuses, [
      'POST /api/v1/rules 201',
      'GET /api/v1/rules 200',
      'GET /api/v1/rules/root-disk 200',
      'PATCH /api/v1/rules/root-disk 200',
      'PATCH /api/v1/rules/cpu-usage 200',
      'DELETE /api/v1/rules/root-disk 204',
      'DELETE /api/v1/rules/cpu-usage 204',
      'GET /api/v1/alerts 200',
      'POST /api/v1/silences 201',
    ]);
  });
});
