/** The servers that the configuration names, with the secrets that it says the places of. */
import { parseServers, type ServerDraft } from '#fleet/parse-server.ts';
import type { Entries } from './config-entries.ts';
import { resolveSecret } from './config-secret.ts';

const SETTING = 'servers';

export async function readConfiguredServers(
  entries: Entries,
  variables: Readonly<Record<string, string>>,
): Promise<readonly ServerDraft[]> {
  const resolved: object[] = [];
  for (const [at, entry] of entries.entries()) {
    const sources: unknown[] = [];
    for (const [position, source] of toList(entry['sources']).entries()) {
      if (typeof source !== 'object' || source === null || !('secret' in source)) {
        sources.push(source);
        continue;
      }
      const field = `${SETTING}[${at}].sources[${position}].secret`;
      const secret = await resolveSecret(source.secret, field, variables);
      sources.push({ ...source, secret });
    }
    resolved.push({ ...entry, sources });
  }
  return parseServers(resolved, SETTING);
}

function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
