import { openApiClient } from '#apps/drover/client/api-client.ts';
import { readConsole, readTail } from '#apps/drover/client/console-stream.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import type { Command } from '#apps/drover/command.ts';

export const vmConsole: Command = {
  name: 'vm console',
  group: 'Machines',
  usage: 'ID',
  summary: 'Print what the guest wrote on its serial console',
  details: [
    'What goes to stdout is what the guest wrote, byte by byte. With --follow it goes on until ' +
      'Ctrl-C, which leaves the machine alone, and picks up again after a lost connection.',
  ],
  options: {
    follow: { kind: 'flag', short: 'f', doc: 'Stay, and print what comes.' },
    tail: { kind: 'text', argument: 'N', doc: 'Begin with the last N lines.' },
    from: { kind: 'text', argument: 'OFFSET', doc: 'Begin at this byte.' },
    ...SERVER_OPTIONS,
  },
  examples: ['drover vm console -f --tail 20 vm_1234'],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options, terminal } = invocation;
    const [vmId = ''] = words;
    const lines = options.whole('tail', { least: 0, most: 100_000 });
    let offset = BigInt(options.whole('from', { least: 0, most: Number.MAX_SAFE_INTEGER }) ?? 0);
    const follow = options.flag('follow');
    const api = await openApiClient(invocation);
    if (lines !== undefined) {
      const tail = await readTail(api, vmId, { ...invocation, lines });
      await terminal.write(tail.data);
      offset = tail.nextOffset;
      if (!follow) return;
    }
    for await (const message of readConsole(api, { vmId, offset, follow }, invocation)) {
      if (message.truncated) terminal.note('drover: earlier output is no longer kept');
      await terminal.write(message.data);
    }
  },
};
