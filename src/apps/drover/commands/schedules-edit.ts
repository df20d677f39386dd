import { printAnswer } from '#apps/drover/client/print-answer.ts';
import { openRestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, Invocation, OptionTable } from '#apps/drover/command.ts';
import {
  firstGiven,
  MIGRATION_OPTIONS,
  readMigration,
} from '#apps/drover/migrate/migration-options.ts';
import { warningsOf } from '#apps/drover/migrate/wire-job.ts';
import {
  schedulePath,
  SCHEDULES,
  scheduleToSheet,
  type WireSchedule,
} from '#apps/drover/migrate/wire-schedule.ts';
import { invalidArgument } from '#kernel/errors.ts';
import { MISSED_POLICIES, OVERLAP_POLICIES } from '#schedules/schedule.ts';

const WHEN_OPTIONS: OptionTable = {
  cron: {
    kind: 'text',
    argument: 'SCHEDULE',
    doc: "When: five fields, such as '0 2 * * *', or @daily, @every 6h and their like.",
  },
  timezone: { kind: 'text', argument: 'ZONE', doc: 'Such as Europe/Berlin.' },
  missed: {
    kind: 'text',
    argument: 'POLICY',
    doc: 'Of times that passed while no server ran.',
    choices: MISSED_POLICIES,
  },
  overlap: {
    kind: 'text',
    argument: 'POLICY',
    doc: 'Of a time at which the run before goes on.',
    choices: OVERLAP_POLICIES,
  },
  jitter: { kind: 'text', argument: 'TIME', doc: 'Put each run off by up to so long, such as 5m.' },
  title: { kind: 'text', argument: 'TEXT', doc: 'What the schedule is called.' },
  description: { kind: 'text', argument: 'TEXT', doc: 'What it is for.' },
  tag: { kind: 'list', argument: 'TAG', doc: 'To find it by.' },
};

const WHAT_OPTIONS: OptionTable = {
  vm: { kind: 'text', argument: 'VM', doc: 'Its inventory path; with * all that it matches.' },
  ...MIGRATION_OPTIONS,
};

export const schedulesCreate: Command = {
  name: 'schedules create',
  group: 'Migration',
  usage: 'ID',
  summary: 'Make jobs again and again, by the clock',
  details: ['What each job does is said by the options of drover migrate.'],
  options: {
    ...WHEN_OPTIONS,
    disabled: { kind: 'flag', doc: 'Make it, but do not switch it on.' },
    ...WHAT_OPTIONS,
    ...SERVER_OPTIONS,
    ...JSON_OPTION,
  },
  examples: [
    "drover schedules create nightly --cron '0 2 * * *' --timezone Europe/Berlin \\",
    "  --vm 'DC0/vm/batch-1/*' --from lab --to kvm:qemu:///system --map 'VM Network=br0'",
  ],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options } = invocation;
    const vm = options.text('vm');
    const when = readWhen(invocation);
    if (when.schedule === undefined) {
      throw invalidArgument('--cron', "is missing; it must be such as '0 2 * * *' or @daily");
    }
    if (vm === undefined) throw invalidArgument('--vm', 'is missing: what is to be moved?');
    const body = {
      ...{ id: words[0], ...when },
      enabled: options.flag('disabled') ? false : undefined,
      job_template: await readMigration(vm, invocation),
    };
    const api = await openRestClient(invocation, 'operator');
    await printChanged(await api.call('POST', SCHEDULES, body), invocation);
  },
};

export const schedulesChange: Command = {
  name: 'schedules change',
  group: 'Migration',
  usage: 'ID',
  summary: 'Change a schedule; what is not named stays as it is',
  details: [
    'The job is changed as a whole: with --vm all of its options are to be given. Its password ' +
      'alone may be left out where a connection holds it.',
  ],
  options: { ...WHEN_OPTIONS, ...WHAT_OPTIONS, ...SERVER_OPTIONS, ...JSON_OPTION },
  examples: ["drover schedules change nightly --cron '30 3 * * *'"],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options } = invocation;
    const [id = ''] = words;
    const vm = options.text('vm');
    const stray = firstGiven(options);
    if (vm === undefined && stray !== undefined) {
      throw invalidArgument(`--${stray}`, 'is of the job, which is changed whole: add --vm');
    }
    const body = {
      ...readWhen(invocation),
      job_template: vm === undefined ? undefined : await readMigration(vm, invocation),
    };
    if (Object.values(body).every((value) => value === undefined)) {
      throw invalidArgument('ID', `is all there is; say what is to change of ${id}`);
    }
    const api = await openRestClient(invocation, 'operator');
    await printChanged(await api.call('PUT', schedulePath(id), body), invocation);
  },
};

/** What is left out of an object is left out of its JSON. */
function readWhen({ options }: Invocation) {
  const tags = options.list('tag');
  return {
    schedule: options.text('cron'),
    timezone: options.text('timezone'),
    missed: options.text('missed'),
    overlap: options.text('overlap'),
    jitter: options.text('jitter'),
    name: options.text('title'),
    description: options.text('description'),
    tags: tags.length === 0 ? undefined : tags,
  };
}

async function printChanged(answer: unknown, invocation: Invocation): Promise<void> {
  const { schedule } = answer as { readonly schedule: WireSchedule };
  for (const warning of warningsOf(answer)) invocation.terminal.note(`drover: ${warning}`);
  await printAnswer(invocation, schedule, () => scheduleToSheet(schedule));
}
