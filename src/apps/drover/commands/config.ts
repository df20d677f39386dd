import { ALL_SETTING_OPTIONS } from '#apps/drover/command-settings.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command } from '#apps/drover/command.ts';
import { loadConfig } from '#apps/drover/config-file.ts';
import { settingsToJson, settingsToYaml } from '#apps/drover/config-text.ts';

export const config: Command = {
  name: 'config',
  group: 'Server',
  usage: '',
  summary: 'Print the settings in force and where each comes from',
  details: [
    'What it prints is itself a config file, except that passwords are masked. Takes the same ' +
      'flags as `drover up`, and refuses what that would refuse.',
  ],
  options: { ...ALL_SETTING_OPTIONS, ...JSON_OPTION },
  examples: ['drover config', 'drover config --host 0.0.0.0 --auth-mode token --json'],
  words: { least: 0, most: 0 },
  async run({ options, env, terminal }) {
    const { inForce, configPath } = await loadConfig(options.settings(), env);
    if (options.flag('json')) {
      const json = { config_file: configPath ?? null, settings: settingsToJson(inForce) };
      await terminal.write(`${JSON.stringify(json, null, 2)}\n`);
      return;
    }
    const from = configPath === undefined ? 'no config file' : `config file ${configPath}`;
    await terminal.write(`# ${from}\n${settingsToYaml(inForce)}`);
  },
};
