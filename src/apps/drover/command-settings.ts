/** Makes options of settings, so that each is a flag of the commands that read the config. */
import type { OptionSpec, OptionTable } from './command.ts';
import { AGENT_SETTINGS, ALL_SETTINGS, SETTINGS } from './config-settings.ts';
import type { AnySetting } from './config-settings.ts';

const CONFIG: OptionTable = {
  config: {
    kind: 'text',
    argument: 'FILE',
    doc: 'The config file, in YAML.',
    isSetting: true,
  },
};

/** For the commands that run or show the server. */
export const ALL_SETTING_OPTIONS = toOptions(ALL_SETTINGS);

/** For the agent. */
export const AGENT_OPTIONS = toOptions(AGENT_SETTINGS);

/** For the commands that only need to find the data. */
export const DATA_OPTIONS = toOptions([SETTINGS.data, SETTINGS.database]);

export const IMAGE_OPTIONS = toOptions([SETTINGS.data, SETTINGS.imageDirectories]);

function toOptions(settings: readonly AnySetting[]): OptionTable {
  return {
    ...CONFIG,
    ...Object.fromEntries(settings.map((setting) => [setting.flag, settingToOption(setting)])),
  };
}

function settingToOption(setting: AnySetting): OptionSpec {
  const { argument, choices } = setting.kind;
  const shared = {
    doc: setting.doc,
    isSetting: true,
    ...(choices === undefined ? {} : { choices }),
  };
  if (argument === undefined) return { kind: 'switch', ...shared };
  return { kind: setting.repeatedFlag === undefined ? 'text' : 'list', argument, ...shared };
}
