/**
 * The secrets of sources, sealed in the place they belong to: a server and a position. A secret is
 * kept only for the origin it was given for, so that nobody who may change an address gets it
 * sent to one of his own.
 */
import { invalidArgument, toDroverError, type DroverError } from '#kernel/errors.ts';
import type { ServerId } from '#kernel/ids.ts';
import type { SecretBox } from '#kernel/secret-box.ts';
import type { SourceDraft } from './parse-source.ts';
import type { SourceSpec, WatchedServer } from './server.ts';

export interface SealSources {
  readonly id: ServerId;
  readonly sources: readonly SourceDraft[];
  /** What they take the place of. */
  readonly before: readonly SourceSpec[];
  readonly secretBox: SecretBox;
}

export function sealSources({ id, sources, before, secretBox }: SealSources) {
  return sources.map(({ spec, secret }, at): SourceSpec => {
    if (spec.kind === 'local') return spec;
    const text = secret.kind === 'given' ? secret.text : keptSecret();
    if (text === undefined) return { ...spec, sealedSecret: undefined };
    return { ...spec, sealedSecret: secretBox.seal(text, placeOf(id, at)) };

    function keptSecret(): string | undefined {
      if (secret.kind !== 'kept') return undefined;
      const from = findKept(spec, at, before);
      const old = before[from];
      if (old === undefined || old.kind === 'local') {
        if (!secret.isExpected && !isMoved(spec, before[at])) return undefined;
        const why = 'must be given again, for it would go to another server; null is for none';
        throw invalidArgument(`sources[${at}].secret`, why);
      }
      const { sealedSecret } = old;
      return sealedSecret && secretBox.open(sealedSecret, placeOf(id, from));
    }
  });
}

/** One for each source; what cannot be opened any more is an error in its place. */
export function openSecrets(
  { id, sources }: Pick<WatchedServer, 'id' | 'sources'>,
  secretBox: SecretBox,
): readonly (string | undefined | DroverError)[] {
  return sources.map((source, at) => {
    if (source.kind === 'local' || source.sealedSecret === undefined) return undefined;
    try {
      return secretBox.open(source.sealedSecret, placeOf(id, at));
    } catch (thrown) {
      return toDroverError(thrown);
    }
  });
}

/** The one it was, or another of the kind and origin: sources may have changed their order. */
function findKept(spec: SourceSpec, at: number, before: readonly SourceSpec[]): number {
  const same = before[at];
  if (same !== undefined && isSameOrigin(spec, same)) return at;
  return before.findIndex((old) => isSameOrigin(spec, old));
}

function isSameOrigin(one: SourceSpec, other: SourceSpec): boolean {
  if (one.kind === 'local' || other.kind === 'local' || one.kind !== other.kind) return false;
  return new URL(one.url).origin === new URL(other.url).origin;
}

/** Whether the source at this position had a secret, for somewhere else. */
function isMoved(spec: SourceSpec, old: SourceSpec | undefined): boolean {
  if (old === undefined || old.kind === 'local' || old.kind !== spec.kind) return false;
  return old.sealedSecret !== undefined;
}

function placeOf(id: ServerId, at: number): string {
  return `servers.${id}.${at}`;
}
