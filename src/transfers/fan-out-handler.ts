/**
 * A path with `*` in it means each VM that it matches: this job finds them and submits one job for
 * each, under one batch. The ids of those follow from its own, so an attempt after a crash submits
 * the same jobs again, which changes nothing.
 */
import { createHash } from 'node:crypto';
import type { JobContext, JobHandler } from '#jobs/job-handler.ts';
import type { Job, JobRequest, JsonObject } from '#jobs/job.ts';
import { DroverError } from '#kernel/errors.ts';
import type { JobId } from '#kernel/ids.ts';
import type { Sources } from './migration-parts.ts';
import { FAN_OUT_KIND, MIGRATION_KIND, readSpec } from './migration-spec.ts';
import type { VmSummary } from './source-vm.ts';

const AT_ONCE = 500;

export interface FanOutParts {
  readonly sources: Sources;
  readonly submit: (requests: readonly JobRequest[]) => Promise<readonly Job[]>;
}

export class FanOutHandler implements JobHandler {
  readonly kind = FAN_OUT_KIND;
  readonly #parts: FanOutParts;

  constructor(parts: FanOutParts) {
    this.#parts = parts;
  }

  async run(context: JobContext): Promise<JsonObject> {
    const { job, secrets, signal } = context;
    const spec = readSpec(job);
    await using source = await this.#parts.sources.open(spec.source, secrets, signal);
    const found = await source.listVms({ pattern: spec.vmPath }, signal);
    const vms = found.filter(({ isTemplate }) => !isTemplate);
    if (vms.length === 0) {
      throw new DroverError('not_found', `no VM matches ${spec.vmPath}`, {
        reason: 'NO_VM_MATCHES',
      });
    }
    const requests = vms.map((vm) => requestFor(vm, context));
    for (let at = 0; at < requests.length; at += AT_ONCE) {
      signal.throwIfAborted();
      await this.#parts.submit(requests.slice(at, at + AT_ONCE));
    }
    context.log('info', `submitted a job for each of ${vms.length} VMs that match ${spec.vmPath}`);
    return { batch_id: batchOf(job), submitted: requests.length };
  }

  /** The jobs it made are jobs of their own, to be cancelled by themselves. */
  cleanUp(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }
}

function requestFor(vm: VmSummary, { job, secrets }: JobContext): JobRequest {
  const { name, spec, priority, lanes, maxAttempts } = job;
  return {
    ...{ priority, lanes, maxAttempts },
    id: childId(job.id, vm.ref),
    kind: MIGRATION_KIND,
    name: name === undefined ? undefined : `${name}: ${vm.name}`.slice(0, 200),
    subject: vm.path,
    spec: { ...spec, vmPath: vm.path },
    secrets,
    batchId: batchOf(job),
  };
}

function batchOf({ id, batchId }: Job): string {
  return batchId ?? id;
}

/** Of the form that clients expect: a UUID, of the version for those that follow from a text. */
function childId(parent: JobId, ref: string): JobId {
  const hex = createHash('sha256').update(`${parent} ${ref}`).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) % 4) + 8).toString(16);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`];
  return [...parts, `${variant}${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-') as JobId;
}
