/**
 * Makes a machine, boots it and shows its console until the guest is off, a text appears, or
 * Ctrl-C. Two streams run side by side: the console, and the events, which tell when the guest is
 * off. What the guest wrote last may still be on its way then, so the rest of the console is read
 * once more, to its end, from where the first stream stood.
 */
import { openApiClient } from '#apps/drover/client/api-client.ts';
import type { ApiClient } from '#apps/drover/client/api-client.ts';
import { readConsole } from '#apps/drover/client/console-stream.ts';
import { watchEvents } from '#apps/drover/client/event-stream.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { printable } from '#apps/drover/client/text-table.ts';
import { TextFinder } from '#apps/drover/client/text-finder.ts';
import { IMAGE_OPTIONS } from '#apps/drover/command-settings.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, Invocation } from '#apps/drover/command.ts';
import { whileWaiting } from '#apps/drover/terminal.ts';
import { VmState } from '#gen/vmprovisioner/v1/vm_pb.js';
import { openDeadline } from '#kernel/abort.ts';
import { MINUTE_MS } from '#kernel/units.ts';
import { CREATE_OPTIONS, createVm, IMAGE_ARGUMENT } from './vm-create.ts';

export const vmRun: Command = {
  name: 'vm run',
  group: 'Machines',
  usage: 'IMAGE',
  summary: 'Make a machine, boot it and follow its console',
  details: [
    IMAGE_ARGUMENT,
    'Ctrl-C leaves the machine running, unless --rm was given. It ends by itself when the guest ' +
      'powers off.',
  ],
  options: {
    until: { kind: 'text', argument: 'TEXT', doc: 'End when the guest has printed this.' },
    detach: { kind: 'flag', short: 'd', doc: 'Do not follow the console; print the id.' },
    rm: { kind: 'flag', doc: 'Delete the machine at the end.' },
    ...CREATE_OPTIONS,
    ...SERVER_OPTIONS,
    ...IMAGE_OPTIONS,
    ...JSON_OPTION,
  },
  examples: ['drover vm run demo', 'drover vm run demo --rm --until "login:"'],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { options, terminal, signal } = invocation;
    const api = await openApiClient(invocation);
    const { vmId } = await createVm(invocation, api);
    const isRemoved = options.flag('rm');
    let isOver = false;
    try {
      await whileWaiting(
        invocation,
        `booting ${vmId}`,
        api.call(api.vms.bootVm({ vmId }, { signal })),
      );
      if (options.flag('detach')) {
        const json = JSON.stringify({ vm_id: vmId, state: 'VM_STATE_RUNNING' });
        await terminal.write(`${options.flag('json') ? json : vmId}\n`);
        isOver = true;
        return;
      }
      terminal.note(`drover: ${vmId} is booting; Ctrl-C ${isRemoved ? 'deletes' : 'leaves'} it`);
      isOver = await followGuest(api, vmId, invocation);
    } finally {
      if (isRemoved) await remove(api, vmId, invocation);
      else if (!isOver) sayWhereItIs(vmId, invocation);
    }
  },
};

/** True when the guest is off; false when the text appeared. */
async function followGuest(api: ApiClient, vmId: string, invocation: Invocation): Promise<boolean> {
  const { terminal, options } = invocation;
  const finder = new TextFinder(options.text('until'));
  const stop = new AbortController();
  const following = { ...invocation, signal: AbortSignal.any([invocation.signal, stop.signal]) };
  const end = waitForEnd(api, vmId, following).finally(() => stop.abort());
  // Awaited below; until then a failure must not count as unhandled.
  end.catch(() => undefined);
  let offset = 0n;
  try {
    for await (const message of readConsole(api, { vmId, offset, follow: true }, following)) {
      await terminal.write(message.data);
      offset = message.nextOffset;
      if (finder.isFoundIn(message.data)) {
        stop.abort();
        return false;
      }
    }
  } catch (thrown) {
    if (!stop.signal.aborted || invocation.signal.aborted) throw thrown;
  }
  const why = await end;
  for await (const message of readConsole(api, { vmId, offset, follow: false }, invocation)) {
    await terminal.write(message.data);
  }
  terminal.note(`drover: ${vmId} is off: ${printable(why)}`);
  return true;
}

/** Resolves with the reason once the machine is off or gone. */
async function waitForEnd(api: ApiClient, vmId: string, invocation: Invocation): Promise<string> {
  const request = { vmIds: [vmId], afterEventId: 0n, allCustomers: false };
  for await (const event of watchEvents(api, request, invocation)) {
    const isGone = event.kind === 'machine.deleted';
    if (isGone || event.state === VmState.SHUTDOWN) return event.message;
  }
  return 'the server ended the stream';
}

/** Ctrl-C has aborted everything by now, so this has a deadline of its own instead. */
async function remove(api: ApiClient, vmId: string, invocation: Invocation): Promise<void> {
  using deadline = openDeadline(invocation.clock, MINUTE_MS, `deleting ${vmId}`);
  try {
    await api.vms.deleteVm({ vmId, force: true }, { signal: deadline.signal });
    invocation.terminal.note(`drover: ${vmId} is deleted`);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    invocation.terminal.note(`drover: ${vmId} could not be deleted: ${why}`);
  }
}

function sayWhereItIs(vmId: string, { terminal }: Invocation): void {
  terminal.note(`drover: ${vmId} is still there; see it again with: drover vm console -f ${vmId}`);
  terminal.note(`drover: and be rid of it with: drover vm delete --force ${vmId}`);
}
