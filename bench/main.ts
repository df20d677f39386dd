/**
 * `npm run bench -- NAME… [--quick]`: one line of JSON for each comparison on standard output,
 * progress on standard error. A goal that is missed is told in its line; the exit status is only
 * about whether the benchmark itself worked.
 */
import { parseArgs } from 'node:util';
import { agentIdle } from './agent-idle.ts';
import { boot } from './boot.ts';
import { collect } from './collect.ts';
import { comparisonToLine, type Benchmark } from './comparison.ts';
import { diskConvert } from './disk-convert.ts';
import { discover } from './discover.ts';
import { fleetApi } from './fleet-api.ts';
import { fleetWs } from './fleet-ws.ts';
import { history } from './history.ts';
import { idle } from './idle.ts';
import { jobs } from './jobs.ts';
import { list } from './list.ts';
import { migrateResume } from './migrate-resume.ts';
import { migrateStream } from './migrate-stream.ts';
import { page } from './page.ts';
import { poolCold } from './pool-cold.ts';
import { poolRequests } from './pool-requests.ts';
import { poolScale } from './pool-scale.ts';
import { poolTasks } from './pool-tasks.ts';
import { rpc } from './rpc.ts';
import { scrape } from './scrape.ts';
import { webhooks } from './webhooks.ts';

const BENCHMARKS: readonly Benchmark[] = [
  rpc,
  list,
  idle,
  boot,
  collect,
  webhooks,
  scrape,
  agentIdle,
  history,
  poolTasks,
  poolRequests,
  poolCold,
  poolScale,
  diskConvert,
  migrateStream,
  migrateResume,
  discover,
  jobs,
  page,
  fleetApi,
  fleetWs,
];

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false } },
});
const chosen = positionals.map(
  (name) => BENCHMARKS.find((benchmark) => benchmark.name === name) ?? name,
);
const unknown = chosen.filter((each) => typeof each === 'string');
if (unknown.length > 0) tell(`there is no benchmark ${unknown.join(', ')}`);
if (chosen.length === 0 || unknown.length > 0) {
  tell('npm run bench -- NAME… [--quick], where NAME is one of');
  for (const { name, summary } of BENCHMARKS) tell(`  ${name.padEnd(14)} ${summary}`);
  process.exitCode = unknown.length > 0 ? 2 : 0;
} else {
  for (const benchmark of chosen) if (typeof benchmark !== 'string') await run(benchmark);
}

async function run(benchmark: Benchmark): Promise<void> {
  const progress = (line: string) => tell(`${benchmark.name}: ${line}`);
  for await (const comparison of benchmark.run({ isQuick: values.quick, progress })) {
    process.stdout.write(`${comparisonToLine(comparison)}\n`);
  }
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
