/**
 * The configuration as the caller gave it, both names filled. A machine's configuration never
 * changes, so the decoded form is kept for the machines asked for most recently.
 */
import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import { VmConfigSchema, type VmConfig } from '#gen/vmprovisioner/v1/vm_pb.js';
import type { Machine } from '#machines/machine.ts';

const MOST_KEPT = 2048;

export class ConfigCache {
  readonly #kept = new Map<string, VmConfig>();

  configOf(machine: Machine): VmConfig {
    // An id can be used again after its machine was deleted; the instant tells the two apart.
    const key = `${machine.id}@${machine.createdAt}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    // A later version may have stored fields that this one does not know.
    const known = { ignoreUnknownFields: true };
    const config = fromJson(VmConfigSchema, machine.spec.given as JsonValue, known);
    if (this.#kept.size >= MOST_KEPT) {
      const oldest = this.#kept.keys().next().value;
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    this.#kept.set(key, config);
    return config;
  }
}
