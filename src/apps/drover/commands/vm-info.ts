import { openApiClient } from '#apps/drover/client/api-client.ts';
import { vmToSheet } from '#apps/drover/client/machine-text.ts';
import { messageToPlain } from '#apps/drover/client/plain-message.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command } from '#apps/drover/command.ts';
import { paintState } from '#apps/drover/terminal.ts';
import { GetVmInfoResponseSchema } from '#gen/vmprovisioner/v1/vm_pb.js';

export const vmInfo: Command = {
  name: 'vm info',
  group: 'Machines',
  usage: 'ID',
  summary: 'Show everything about one machine',
  options: { ...SERVER_OPTIONS, ...JSON_OPTION },
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options, terminal, clock, signal } = invocation;
    const api = await openApiClient(invocation);
    const vm = await api.call(api.vms.getVmInfo({ vmId: words[0] ?? '' }, { signal }));
    if (options.flag('json')) {
      const json = messageToPlain(GetVmInfoResponseSchema, vm);
      await terminal.write(`${JSON.stringify(json, null, 2)}\n`);
      return;
    }
    const paint = (state: string) => paintState(terminal, state);
    await terminal.write(vmToSheet(vm, { nowMs: clock.nowMs(), paint }));
  },
};
