/** What a job is to do, in the words of its request. No secret is among them. */
import type { Job, JsonObject } from '#jobs/job.ts';
import { toIsoTime } from '#kernel/clock.ts';
import type { HttpTrust } from '#kernel/http-trust.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { isSecretName } from '#surfaces/edge/redaction.ts';
import {
  FAN_OUT_KIND,
  MIGRATION_KIND,
  readSpec,
  type DestinationSpec,
  type MigrationOptions,
  type SourceSpec,
} from '#transfers/migration-spec.ts';

const KINDS: readonly string[] = [MIGRATION_KIND, FAN_OUT_KIND];

export function definitionToJson(job: Job): JsonObject {
  return {
    id: job.id,
    name: job.name ?? null,
    vm_path: job.subject,
    ...specToJson(job),
    priority: job.priority,
    max_attempts: job.maxAttempts,
    batch_id: job.batchId ?? null,
    schedule_id: job.scheduleId ?? null,
    created_at: toIsoTime(job.createdAt),
  };
}

/** Also of what a schedule will submit. */
export function specToJson({ kind, spec }: Pick<Job, 'kind' | 'spec'>): JsonObject {
  if (!KINDS.includes(kind)) return { kind, spec: withoutSecrets(spec) };
  const { source, destination, options, metadata } = readSpec({ spec });
  return {
    source: sourceToJson(source),
    destination: destinationToJson(destination),
    options: optionsToJson(options),
    metadata: withoutSecrets(metadata),
  };
}

function sourceToJson(source: SourceSpec): JsonObject {
  switch (source.kind) {
    case 'vsphere':
      if (source.connection !== undefined) {
        return { type: 'vsphere', connection: source.connection, ...datacenterToJson(source) };
      }
      return {
        type: 'vsphere',
        vcenter_url: source.url,
        username: source.username,
        datacenter: source.datacenter ?? null,
        ...trustToJson(source.trust),
      };
    case 'default':
      return { type: 'vsphere', ...datacenterToJson(source) };
    case 'file':
      return { type: 'file', path: source.path ?? null };
  }
}

function datacenterToJson({ datacenter }: { readonly datacenter?: string | undefined }) {
  return datacenter === undefined ? {} : { datacenter };
}

/** Of certificates nothing is secret. */
function trustToJson({ isInsecure, thumbprint, ca }: HttpTrust): JsonObject {
  return {
    insecure: isInsecure,
    ...(thumbprint !== undefined && { thumbprint }),
    ...(ca !== undefined && { ca }),
  };
}

function destinationToJson(destination: DestinationSpec): JsonObject {
  switch (destination.kind) {
    case 'kvm': {
      const { uri, pool, directory, readyText } = destination;
      return {
        ...{ type: 'kvm', libvirt_uri: uri, pool: pool ?? null, directory: directory ?? null },
        ready_text: readyText ?? null,
      };
    }
    case 'drover': {
      const { remote, customerId, readyText } = destination;
      return {
        ...{ type: 'drover', customer_id: customerId },
        ...(remote !== undefined && { url: remote.url, ...trustToJson(remote.trust) }),
        ready_text: readyText ?? null,
      };
    }
    case 'file':
      return { type: 'file', directory: destination.directory };
  }
}

function optionsToJson(options: MigrationOptions): JsonObject {
  const { bootTimeoutMs } = options;
  return {
    conversion_method: options.transport,
    network_mapping: options.networkMapping,
    storage_mapping: options.storageMapping,
    disk_format: options.format,
    compress: options.isCompressed,
    power: options.power,
    shutdown_timeout: options.shutdownTimeoutMs / SECOND_MS,
    parallel_disks: options.parallelDisks,
    bandwidth_limit: options.bandwidthLimit ?? null,
    verify: options.verifies,
    target_name: options.targetName ?? null,
    prepare: options.prepare,
    mac: options.mac,
    start: options.starts,
    boot_timeout: bootTimeoutMs === undefined ? null : bootTimeoutMs / SECOND_MS,
    remove_cdrom: options.removesCdroms,
    dry_run: options.isDryRun,
  };
}

/** Whoever wrote one where none belongs does not get it back. */
export function withoutSecrets(value: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, part]) =>
      isSecretName(name) ? [] : [[name, isMap(part) ? withoutSecrets(part) : part]],
    ),
  );
}

function isMap(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
