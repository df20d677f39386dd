/** What a setting is. The tables of them are in config-settings.ts and metrics-settings.ts. */
import type { ValueKind } from './config-values.ts';
import { VARIABLE_PREFIX } from './env.ts';

export interface SettingFields<T> {
  readonly kind: ValueKind<T>;
  readonly fallback: NoInfer<T>;
  /** What the fallback is, where a value cannot say it. */
  readonly fallbackDoc?: string;
  readonly doc: string;
  /** A flag that does not follow from the key, which may be given several times. */
  readonly repeatedFlag?: string;
}

export interface Setting<T> extends SettingFields<T> {
  readonly key: string;
  readonly variable: string;
  readonly flag: string;
}

/** A setting of this kind, or none. */
export const optional = <T>(kind: ValueKind<T>): ValueKind<T | undefined> => ({
  ...kind,
  show: (value) => (value === undefined ? undefined : kind.show(value)),
});

export function setting<T>(key: string, fields: SettingFields<T>): Setting<T> {
  const words = key.replaceAll('.', '-').replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '-');
  const variable = `${VARIABLE_PREFIX}${words.replaceAll('-', '_').toUpperCase()}`;
  return { key, variable, flag: fields.repeatedFlag ?? words.toLowerCase(), ...fields };
}
