/** A job in words: what it is called, where it goes, how it stands. */
import type { StatusKind } from '#web/components/Status.tsx';
import { bytes, bytesPerSecond, quantityToText } from '#web/format/numbers.ts';
import { duration, parseInstant } from '#web/format/times.ts';
import { MIGRATIONS } from '#web/text/migrations.ts';
import type { Job, Place } from './wire.ts';

const { states, stages, places } = MIGRATIONS;

export function nameOf({ definition: { name, vm_path: path } }: Pick<Job, 'definition'>): string {
  return name ?? path.split('/').at(-1) ?? path;
}

export interface Standing {
  readonly kind: StatusKind;
  readonly text: string;
}

export function standingOf({ status, cancel_requested: isLeaving, attempts }: Job): Standing {
  if (isLeaving) return { kind: 'busy', text: states.cancelling };
  switch (status) {
    case 'pending':
      return { kind: 'idle', text: attempts > 0 ? states.retrying : states.pending };
    case 'running':
      return { kind: 'busy', text: states.running };
    case 'completed':
      return { kind: 'ok', text: states.completed };
    case 'failed':
      return { kind: 'error', text: states.failed };
    case 'cancelled':
      return { kind: 'idle', text: states.cancelled };
  }
}

/** A stage that is not one of a migration's is shown as it is. */
export function stageOf({ progress: { stage } }: Job): string {
  return Object.hasOwn(stages, stage) ? stages[stage as keyof typeof stages].title : stage;
}

/** What there is to say of it in a line. */
export function detailOf(job: Job): string {
  const { status, progress, error, last_error: last } = job;
  if (status === 'running') {
    const { bytes_per_second: rate, estimated_remaining: left } = progress;
    return [
      stageOf(job),
      ...(rate === null ? [] : [quantityToText(bytesPerSecond(rate))]),
      ...(left === null ? [] : [MIGRATIONS.left(duration(left))]),
    ].join(' · ');
  }
  if (status === 'pending') return last?.message ?? '';
  if (status === 'completed') return MIGRATIONS.moved(quantityToText(bytes(progress.total_bytes)));
  return error ?? '';
}

export function placeToText(place: Place | undefined): string {
  if (place?.type === undefined) return places.unknown;
  switch (place.type) {
    case 'vsphere':
      return place.connection ?? place.vcenter_url ?? places.ownVcenter;
    case 'kvm':
      return [place.libvirt_uri, place.pool ?? place.directory].filter(Boolean).join(' · ');
    case 'drover':
      return places.customer(place.customer_id ?? '', place.url ?? places.here);
    case 'file':
      return place.path ?? place.directory ?? places.files;
    default:
      return place.type;
  }
}

/** Seconds at work so far, or until it ended; null when it never began. */
export function secondsOf(job: Job, nowMs: number): number | null {
  const start = parseInstant(job.started_at);
  // What waits to be tried again is not at work.
  if (start === undefined || job.status === 'pending') return null;
  return Math.max(0, (parseInstant(job.completed_at) ?? nowMs) - start) / 1000;
}

/** `job_update` and `jobs` of the live connection; undefined for anything else. */
export function jobsIn(message: unknown): readonly Job[] | undefined {
  if (typeof message !== 'object' || message === null || !('type' in message)) return undefined;
  const { type, data } = message as { readonly type: unknown; readonly data?: unknown };
  if (type === 'job_update') return [data as Job];
  return type === 'jobs' ? (data as { readonly jobs: readonly Job[] }).jobs : undefined;
}
