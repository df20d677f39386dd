import { openApiClient } from '#apps/drover/client/api-client.ts';
import { watchEvents } from '#apps/drover/client/event-stream.ts';
import { stateToName } from '#apps/drover/client/machine-text.ts';
import { messageToPlain } from '#apps/drover/client/plain-message.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { printable } from '#apps/drover/client/text-table.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command } from '#apps/drover/command.ts';
import { paintState } from '#apps/drover/terminal.ts';
import type { Terminal } from '#apps/drover/terminal.ts';
import { WatchResponseSchema } from '#gen/drover/v1/machines_pb.js';
import type { WatchResponse } from '#gen/drover/v1/machines_pb.js';
import { VmState } from '#gen/vmprovisioner/v1/vm_pb.js';

export const vmWatch: Command = {
  name: 'vm watch',
  group: 'Machines',
  usage: '[ID…]',
  summary: 'Print what happens to machines, as it happens',
  details: [
    'Each line begins with the id of the event: --after ID goes on behind it, so nothing is ' +
      'missed between two runs. After a lost connection it goes on by itself.',
  ],
  options: {
    after: { kind: 'text', argument: 'ID', doc: 'Begin after this event; 0 is the oldest kept.' },
    'all-customers': { kind: 'flag', doc: 'The machines of everybody (for operators).' },
    ...SERVER_OPTIONS,
    ...JSON_OPTION,
  },
  examples: ['drover vm watch', 'drover vm watch --after 0 vm_1234 --json'],
  words: { least: 0, most: 100 },
  async run(invocation) {
    const { words, options, terminal } = invocation;
    const after = options.whole('after', { least: 0, most: Number.MAX_SAFE_INTEGER });
    const allCustomers = options.flag('all-customers');
    const api = await openApiClient(invocation, allCustomers ? 'operator' : 'customer');
    const request = {
      vmIds: words,
      allCustomers,
      afterEventId: after === undefined ? undefined : BigInt(after),
    };
    for await (const event of watchEvents(api, request, invocation)) {
      const line = options.flag('json')
        ? JSON.stringify(messageToPlain(WatchResponseSchema, event))
        : eventToLine(event, terminal);
      await terminal.write(`${line}\n`);
    }
  },
};

function eventToLine(event: WatchResponse, terminal: Terminal): string {
  const { eventId, at, vmId, kind, previousState, state, message } = event;
  const now = paintState(terminal, stateToName(state));
  const change =
    previousState === VmState.UNSPECIFIED ? now : `${stateToName(previousState)} → ${now}`;
  return `${eventId} ${at} ${vmId} ${kind} ${change}: ${printable(message)}`;
}
