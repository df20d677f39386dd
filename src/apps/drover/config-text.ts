/** Writes the settings in force as YAML that is itself a config file, secrets masked. */
import { stringify } from 'yaml';

import type { SettingInForce } from './config-reader.ts';

/** Each setting with its source as a comment. What is not set stands there as a comment alone. */
export function settingsToYaml(settings: readonly SettingInForce[]): string {
  const lines: string[] = [];
  let open: readonly string[] = [];
  for (const { setting, shown, source } of settings) {
    const parents = setting.key.split('.').slice(0, -1);
    const name = setting.key.split('.').at(-1) ?? '';
    const shared = parents.findIndex((part, at) => part !== open[at]);
    for (const [at, part] of parents.entries()) {
      if (shared !== -1 && at >= shared) lines.push(`${'  '.repeat(at)}${part}:`);
    }
    open = parents;
    const indent = '  '.repeat(parents.length);
    if (shown === undefined) {
      const fallback = setting.fallbackDoc === undefined ? 'not set' : setting.fallbackDoc;
      lines.push(`${indent}# ${name}: ${fallback}`);
    } else {
      lines.push(`${indent}${name}: ${inlineYaml(shown)}  # ${source}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

export function settingsToJson(settings: readonly SettingInForce[]): object {
  return Object.fromEntries(
    settings.map(({ setting, shown, source }) => [setting.key, { value: shown ?? null, source }]),
  );
}

/** Lists and maps in one line, so that the comment stands beside them. */
function inlineYaml(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
}
