import { once } from 'node:events';

import { AGENT_OPTIONS } from '#apps/drover/command-settings.ts';
import type { Command } from '#apps/drover/command.ts';
import { loadConfig } from '#apps/drover/config-file.ts';
import { trimHeap } from '#apps/drover/trim-heap.ts';

/** Beside the data of a server on the same host, never in it. */
const FOLDER_NAME = 'drover-agent';

export const agent: Command = {
  name: 'agent',
  group: 'Server',
  usage: '',
  summary: 'Measure this host, and serve the vm-metrics API alone',
  details: [
    'For hosts and guests that run no machines of Drover: a small process that measures, keeps ' +
      'history, watches thresholds and calls webhooks. `drover up` does all that too.',
    'Prints one line on stdout when it is ready: `drover ready URL`. The log goes to stderr. ' +
      'Without --host it answers on this host alone.',
  ],
  options: AGENT_OPTIONS,
  examples: [
    'drover agent --port 8080 --instance-id web-1 --account-id acme',
    'drover agent --host 0.0.0.0 --auth-mode token',
  ],
  words: { least: 0, most: 0 },
  async run({ options, env, terminal, signal }) {
    const loaded = await loadConfig(options.settings(), env, FOLDER_NAME);
    // Loaded here, because the other commands start faster without a web server.
    const { openAgent } = await import('#apps/drover/agent.ts');
    await using server = await openAgent(loaded);
    await terminal.write(`drover ready ${server.url}\n`);
    trimHeap();
    if (!signal.aborted) await once(signal, 'abort');
  },
};
