/** What this installation can do, and why not what it cannot: `GET /capabilities`. */
import { useQuery } from '@tanstack/react-query';
import { getJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';
import type { Choice } from '#web/components/SelectField.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';

export interface Capability {
  readonly available: boolean;
  /** Why not, and what to do about it. */
  readonly reason?: string;
}

type ByName = Readonly<Record<string, Capability>>;

export interface Capabilities {
  /** By way to read disks. */
  readonly capabilities: ByName;
  readonly destinations: ByName;
  readonly guest_preparation: Capability;
}

export function useCapabilities() {
  return useQuery({
    queryKey: queryKeys.capabilities,
    queryFn: ({ signal }) => getJson<Capabilities>('/capabilities', { signal }),
    staleTime: 60_000,
  });
}

/** What cannot be done can be seen, and not chosen. What is not known yet is offered. */
export function offered<Value extends string>(
  choices: readonly Choice<Value>[],
  known: ByName | undefined,
): readonly Choice<Value>[] {
  return choices.map((choice) =>
    isMissing(known, choice.value)
      ? { ...choice, title: MIGRATIONS.create.notHere(choice.title), disabled: true }
      : choice,
  );
}

/** For the hint below: each that is missing, with its reason. */
export function reasonsOf(
  choices: readonly Choice<string>[],
  known: ByName | undefined,
): string | undefined {
  const texts = choices
    .filter(({ value }) => isMissing(known, value))
    .map(({ value, title }) => `${title}: ${known?.[value]?.reason ?? ''}`);
  return texts.length === 0 ? undefined : texts.join(' ');
}

export function isMissing(known: ByName | undefined, name: string): boolean {
  return known?.[name]?.available === false;
}
