import packageJson from '#package.json' with { type: 'json' };
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command } from '#apps/drover/command.ts';

export const version: Command = {
  name: 'version',
  group: 'More',
  usage: '',
  summary: 'Print the version',
  options: JSON_OPTION,
  words: { least: 0, most: 0 },
  async run({ options, terminal }) {
    const json = JSON.stringify({ version: packageJson.version, node: process.version });
    await terminal.write(`${options.flag('json') ? json : `drover ${packageJson.version}`}\n`);
  },
};
