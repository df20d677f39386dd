import { once } from 'node:events';

import { ALL_SETTING_OPTIONS } from '#apps/drover/command-settings.ts';
import type { Command } from '#apps/drover/command.ts';
import { loadConfig } from '#apps/drover/config-file.ts';
import { trimHeap } from '#apps/drover/trim-heap.ts';
import { listImages } from '#apps/drover/image/image-directory.ts';

export const up: Command = {
  name: 'up',
  group: 'Server',
  usage: '',
  summary: 'Run the server until it is told to stop',
  details: [
    'Prints one line on stdout when it is ready: `drover ready URL`. The log goes to stderr. ' +
      'SIGTERM or Ctrl-C ends it after the calls in progress; machines run on.',
    'Every setting is a flag here, a variable DROVER_… and a key of the config file. A flag wins ' +
      'over a variable, a variable over the file.',
  ],
  options: ALL_SETTING_OPTIONS,
  examples: ['drover up', 'drover up --port 9000 --listen vm-service=8081'],
  words: { least: 0, most: 0 },
  async run({ options, env, terminal, signal }) {
    const loaded = await loadConfig(options.settings(), env);
    // Loaded here, because the other commands start faster without a web server.
    const { openServer } = await import('#apps/drover/server.ts');
    await using server = await openServer(loaded);
    await terminal.write(`drover ready ${server.url}\n`);
    trimHeap();
    const { images } = await listImages(loaded.config.images.directories[0]);
    if (images.length === 0) {
      terminal.note('no images yet; build the demo guest with: ./drover image build demo');
    }
    if (!signal.aborted) await once(signal, 'abort');
  },
};
