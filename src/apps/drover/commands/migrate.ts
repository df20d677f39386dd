import { printAnswer } from '#apps/drover/client/print-answer.ts';
import { openRestClient } from '#apps/drover/client/rest-client.ts';
import type { RestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { formatTable, printable } from '#apps/drover/client/text-table.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, Invocation } from '#apps/drover/command.ts';
import { MIGRATION_OPTIONS, readMigration } from '#apps/drover/migrate/migration-options.ts';
import { watchJob } from '#apps/drover/migrate/watch-job.ts';
import { warningsOf } from '#apps/drover/migrate/wire-job.ts';
import { DroverError } from '#kernel/errors.ts';

/** As the API answers it. */
interface WirePreflight {
  readonly ok: boolean;
  readonly errors: number;
  readonly warning_count: number;
  readonly findings: readonly {
    readonly severity: string;
    readonly subject: string | null;
    readonly message: string;
    readonly remedy: string | null;
  }[];
}

export const migrate: Command = {
  name: 'migrate',
  group: 'Migration',
  usage: 'VM',
  summary: 'Move a VM off VMware, as a job of the server',
  details: [
    'VM is its inventory path, as drover vsphere ls shows it; with * in it, each VM that it ' +
      'matches gets a job. The source is read, and at most shut down; it is never removed.',
    'The id of the job is printed as soon as it is stored; from then on it needs nobody. With ' +
      '--watch the command stays until the end of the job, and fails if it does. Ctrl-C leaves ' +
      'the job at its work.',
  ],
  options: {
    ...MIGRATION_OPTIONS,
    'dry-run': { kind: 'flag', doc: 'Only look what stands in the way, and change nothing.' },
    watch: { kind: 'flag', short: 'w', doc: 'Follow the job to its end.' },
    ...SERVER_OPTIONS,
    ...JSON_OPTION,
  },
  examples: [
    'drover migrate DC0/vm/web-1 --from lab --to kvm:qemu:///system --map "VM Network=br0" --watch',
    'drover migrate DC0/vm/web-1 --from lab --to kvm --map "VM Network=br0" --dry-run',
    'drover migrate DC0/vm/web-1 --from https://vcenter --username ada --to file:/srv/vms',
  ],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options } = invocation;
    const [vmPath = ''] = words;
    const request = await readMigration(vmPath, invocation);
    const api = await openRestClient(invocation, 'operator');
    if (options.flag('dry-run')) await preflight(api, request, invocation);
    else await submit(api, request, invocation);
  },
};

async function submit(api: RestClient, request: object, invocation: Invocation): Promise<void> {
  const { options, terminal } = invocation;
  const answer = await api.call('POST', '/jobs/submit', request);
  const { job_id: id } = answer as { readonly job_id: string };
  for (const warning of warningsOf(answer)) terminal.note(`drover: ${warning}`);
  const isWatched = options.flag('watch');
  // With both, each line is the job as it is then.
  if (!isWatched || !options.flag('json')) await printAnswer(invocation, answer, () => `${id}\n`);
  if (isWatched) await watchJob(api, id, invocation);
  else terminal.note(`follow it with: drover jobs watch ${id}`);
}

async function preflight(api: RestClient, request: object, invocation: Invocation): Promise<void> {
  const answer = (await api.call('POST', '/jobs/preflight', request)) as WirePreflight;
  const { ok, errors, warning_count: warnings, findings } = answer;
  await printAnswer(invocation, answer, () =>
    findings.length === 0 ? '' : findingsToText(answer),
  );
  for (const warning of warningsOf(answer)) invocation.terminal.note(`drover: ${warning}`);
  if (ok) {
    const about = warnings === 0 ? '' : `; ${counted(warnings, 'warning')} to think about`;
    invocation.terminal.note(`nothing stands in the way${about}`);
    return;
  }
  throw new DroverError(
    'failed_precondition',
    `it cannot be moved so: ${counted(errors, 'error')} to put right first`,
    { reason: 'PREFLIGHT_FAILED' },
  );
}

function findingsToText({ findings }: WirePreflight): string {
  const rows = findings.map(({ severity, subject, message, remedy }) => [
    severity,
    printable(subject ?? '-'),
    printable(remedy === null ? message : `${message}: ${remedy}`),
  ]);
  return formatTable(['SEVERITY', 'ABOUT', 'FINDING'], rows);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
