/** What is given to those who watch Drover with Prometheus and Grafana, tried out on Drover. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { get, OPERATOR } from '#test/api-client.ts';
import { openTestServer } from '#test/drover-server.ts';
import { until } from '#test/until.ts';

const run = promisify(execFile);
const DEPLOY = join(import.meta.dirname, '../deploy');
const RULES = join(DEPLOY, 'prometheus-rules.yaml');
const DASHBOARD = join(DEPLOY, 'grafana-dashboard.json');
/** There are no GPUs where tests run, nor is every host busy at disks and networks. */
const MAY_BE_EMPTY = /gpu|disk_busy|network|pressure/;

interface RuleFile {
  readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[];
}

interface Dashboard {
  readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
}

async function readRules(): Promise<readonly string[]> {
  const { groups } = parse(await readFile(RULES, 'utf8')) as RuleFile;
  return groups.flatMap(({ rules }) => rules.map(({ expr }) => expr));
}

async function readPanels(): Promise<readonly string[]> {
  const { panels } = JSON.parse(await readFile(DASHBOARD, 'utf8')) as Dashboard;
  const targets = panels.flatMap(({ targets: all }) => all);
  return targets.map(({ expr }) => expr.replaceAll('$server', '.*'));
}

describe('deploy/', () => {
  it('has rules that promtool finds nothing wrong with', async () => {
    const { stdout } = await run('promtool', ['check', 'rules', '--lint-fatal', RULES]);
    assert.match(stdout, /SUCCESS: 7 rules found/);
  });

  it('has expressions that Drover itself answers, for the host it runs on', async () => {
    await using drover = await openTestServer();
    const ask = async (expr: string) => {
      const path = `/api/v1/query?query=${encodeURIComponent(expr)}`;
      const { status, json, text } = await get(drover, path, { token: OPERATOR });
      assert.equal(status, 200, `${expr}: ${text}`);
      return json.data.result as readonly unknown[];
    };
    await until(async () => {
      const found = await ask(
        'drover_server_memory_used_percent and drover_server_cpu_usage_percent',
      );
      return found.length > 0 ? true : undefined;
    }, 'the first values');
    for (const expr of await readPanels()) {
      const found = await ask(expr);
      if (!MAY_BE_EMPTY.test(expr)) assert.ok(found.length > 0, expr);
    }
    for (const expr of await readRules()) await ask(expr);
    assert.deepEqual(await ask('drover_server_status{status="offline"} == 1'), []);
  });
});
