/** The commands that tell machines what to do: each takes several ids, and answers with states. */
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';

import { openApiClient } from '#apps/drover/client/api-client.ts';
import type { ApiClient } from '#apps/drover/client/api-client.ts';
import { stateToName } from '#apps/drover/client/machine-text.ts';
import { messageToPlain } from '#apps/drover/client/plain-message.ts';
import type { Plain } from '#apps/drover/client/plain-message.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, Invocation, OptionTable } from '#apps/drover/command.ts';
import { reportError } from '#apps/drover/error-report.ts';
import { paintState, whileWaiting } from '#apps/drover/terminal.ts';
import {
  BootVmResponseSchema,
  DeleteVmResponseSchema,
  PauseVmResponseSchema,
  RebootVmResponseSchema,
  ResumeVmResponseSchema,
  ShutdownVmResponseSchema,
} from '#gen/vmprovisioner/v1/vm_pb.js';
import type { VmState } from '#gen/vmprovisioner/v1/vm_pb.js';
import { toDroverError } from '#kernel/errors.ts';
import type { DroverError } from '#kernel/errors.ts';

/** What came of it, in words and as JSON. */
interface Outcome {
  readonly text: string;
  readonly plain: Plain;
}

interface Call {
  readonly api: ApiClient;
  readonly vmId: string;
  readonly invocation: Invocation;
}

interface Lifecycle extends Pick<Command, 'summary' | 'details' | 'examples'> {
  readonly verb: string;
  /** `booting`, for the line that says what is waited for. */
  readonly doing: string;
  readonly options?: OptionTable;
  readonly tell: (call: Call) => Promise<Outcome>;
}

const MOST_AT_ONCE = 16;
const MOST_IDS = 1000;

const FORCE = {
  shutdown: 'Stop it at once, without asking the guest.',
  reboot: 'Reset it, without asking the guest.',
  delete: 'Delete it though it runs.',
} as const;

const force = (verb: keyof typeof FORCE): OptionTable => ({
  force: { kind: 'flag', short: 'f', doc: FORCE[verb] },
});

export const vmBoot = lifecycleCommand({
  verb: 'boot',
  doing: 'booting',
  summary: 'Start machines that were created or shut down',
  async tell({ api, vmId, invocation }) {
    const answer = await api.vms.bootVm({ vmId }, { signal: invocation.signal });
    return toOutcome(BootVmResponseSchema, answer, invocation);
  },
});

export const vmPause = lifecycleCommand({
  verb: 'pause',
  doing: 'pausing',
  summary: 'Stop the processors; memory stays as it is',
  async tell({ api, vmId, invocation }) {
    const answer = await api.vms.pauseVm({ vmId }, { signal: invocation.signal });
    return toOutcome(PauseVmResponseSchema, answer, invocation);
  },
});

export const vmResume = lifecycleCommand({
  verb: 'resume',
  doing: 'resuming',
  summary: 'Let paused machines go on',
  async tell({ api, vmId, invocation }) {
    const answer = await api.vms.resumeVm({ vmId }, { signal: invocation.signal });
    return toOutcome(ResumeVmResponseSchema, answer, invocation);
  },
});

export const vmReboot = lifecycleCommand({
  verb: 'reboot',
  doing: 'rebooting',
  summary: 'Shut machines down and boot them again',
  options: force('reboot'),
  async tell({ api, vmId, invocation }) {
    const isForced = invocation.options.flag('force');
    const answer = await api.vms.rebootVm({ vmId, force: isForced }, { signal: invocation.signal });
    return toOutcome(RebootVmResponseSchema, answer, invocation);
  },
});

export const vmShutdown = lifecycleCommand({
  verb: 'shutdown',
  doing: 'shutting down',
  summary: 'Ask guests to power off; by force when they do not in time',
  options: {
    ...force('shutdown'),
    timeout: { kind: 'text', argument: 'S', doc: 'Seconds the guest has. Default: 30.' },
  },
  async tell({ api, vmId, invocation }) {
    const { options, signal } = invocation;
    const timeoutSeconds = options.whole('timeout', { least: 1, most: 86_400 }) ?? 0;
    const request = { vmId, force: options.flag('force'), timeoutSeconds };
    const answer = await api.vms.shutdownVm(request, { signal });
    return toOutcome(ShutdownVmResponseSchema, answer, invocation);
  },
});

export const vmDelete = lifecycleCommand({
  verb: 'delete',
  doing: 'deleting',
  summary: 'Remove machines and all that belongs to them',
  options: force('delete'),
  async tell({ api, vmId, invocation }) {
    const { options, signal } = invocation;
    const answer = await api.vms.deleteVm({ vmId, force: options.flag('force') }, { signal });
    return { text: 'deleted', plain: messageToPlain(DeleteVmResponseSchema, answer) };
  },
});

function lifecycleCommand(lifecycle: Lifecycle): Command {
  const { verb, summary, details, examples, options } = lifecycle;
  return {
    name: `vm ${verb}`,
    group: 'Machines',
    usage: 'ID…',
    summary,
    ...(details === undefined ? {} : { details }),
    ...(examples === undefined ? {} : { examples }),
    options: { ...options, ...SERVER_OPTIONS, ...JSON_OPTION },
    words: { least: 1, most: MOST_IDS },
    run: (invocation) => tellAll(invocation, lifecycle),
  };
}

/** One that fails stops no other; the last failure decides the exit code. */
async function tellAll(invocation: Invocation, { doing, tell }: Lifecycle): Promise<void> {
  const { words, options, terminal } = invocation;
  const api = await openApiClient(invocation);
  const asJson = options.flag('json');
  const failures: DroverError[] = [];
  const waiting = [...words];
  const work = async (): Promise<void> => {
    for (let vmId = waiting.shift(); vmId !== undefined; vmId = waiting.shift()) {
      try {
        const { text, plain } = await api.call(tell({ api, vmId, invocation }));
        const line = asJson ? JSON.stringify({ vm_id: vmId, ...plain }) : `${vmId} ${text}`;
        await terminal.write(`${line}\n`);
      } catch (thrown) {
        failures.push(toDroverError(thrown));
      }
    }
  };
  const workers = Array.from({ length: Math.min(MOST_AT_ONCE, words.length) }, work);
  const what = words.length === 1 ? `${doing} ${words[0]}` : `${doing} ${words.length} machines`;
  await whileWaiting(invocation, what, Promise.all(workers));
  const last = failures.pop();
  for (const failure of failures) terminal.note(reportError(failure, { asJson }).text.trimEnd());
  if (last !== undefined) throw last;
}

type WithState = { readonly state: VmState; readonly outcome?: string };

function toOutcome<Desc extends DescMessage>(
  schema: Desc,
  answer: MessageShape<Desc> & WithState,
  { terminal }: Invocation,
): Outcome {
  const state = paintState(terminal, stateToName(answer.state));
  const way = answer.outcome === undefined || answer.outcome === '' ? '' : ` (${answer.outcome})`;
  return { text: `${state}${way}`, plain: messageToPlain(schema, answer) };
}
