/**
 * The closed catalogue of what can happen in Drover. An event is written in the same transaction
 * as the change it tells of, so a change without its event, or the reverse, cannot exist.
 *
 * Ids grow in the order of commits: who has seen event N and asks for "after N" misses nothing.
 */
import type { ErrorKind } from '#kernel/errors.ts';
import type { CustomerId, JobId, MachineId, ScheduleId } from '#kernel/ids.ts';
import type { ResourceSnapshot } from './resource-snapshot.ts';

/** Mirrors the machine states; the domain owns their meaning. */
export type MachineStateName = 'created' | 'running' | 'paused' | 'shutdown';

interface MachineEventFields {
  readonly machineId: MachineId;
  readonly customerId: CustomerId;
  /** A stable lower-case word: `requested`, `guest-poweroff`, `killed-after-timeout`… */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
}

export type MachineEvent =
  | ({ readonly kind: 'machine.created'; readonly state: 'created' } & MachineEventFields)
  | ({
      readonly kind: 'machine.state-changed';
      readonly from: MachineStateName;
      readonly state: MachineStateName;
    } & MachineEventFields)
  /** The guest reset itself, or was reset, without its process ending. */
  | ({ readonly kind: 'machine.rebooted'; readonly state: MachineStateName } & MachineEventFields)
  /** A command was accepted and then failed; the machine is as `state` says. */
  | ({
      readonly kind: 'machine.command-failed';
      readonly state: MachineStateName;
    } & MachineEventFields)
  /** Deletion could not finish; it is tried again until it does. */
  | ({
      readonly kind: 'machine.teardown-failed';
      readonly state: MachineStateName;
    } & MachineEventFields)
  | ({ readonly kind: 'machine.deleted'; readonly state: MachineStateName } & MachineEventFields);

/** What is measured: a machine with its owner, or, when both are undefined, the host itself. */
interface MeasuredFields {
  readonly machineId: MachineId | undefined;
  readonly customerId: CustomerId | undefined;
  /** Of the host: what it was told to be called. Of a machine: the machine's id. */
  readonly instanceId: string;
  readonly accountId: string | undefined;
}

/** A threshold was crossed for as long as its rule says, or the trouble is over. */
export interface ThresholdEvent extends MeasuredFields {
  readonly kind: 'threshold.violated' | 'threshold.resolved';
  readonly ruleId: string;
  readonly ruleName: string;
  readonly severity: 'info' | 'warning' | 'critical';
  /** The metric or expression, and what the rule compares it with. */
  readonly subject: string;
  readonly comparison: string;
  readonly thresholdValue: number;
  /** Undefined when it resolved because there is nothing left to measure. */
  readonly currentValue: number | undefined;
  /** When the threshold was first crossed. */
  readonly sinceMs: number;
  /** Of the series that crossed it, and those the rule adds. */
  readonly labels: Readonly<Record<string, string>>;
  readonly message: string;
}

/** Written only while somebody subscribes to it, and kept for days, not weeks. */
export interface SnapshotEvent extends MeasuredFields {
  readonly kind: 'metrics.sampled';
  readonly snapshot: ResourceSnapshot;
}

interface JobFields {
  /** Jobs are the operators' affair; the fields are there because every event has them. */
  readonly machineId: undefined;
  readonly customerId: undefined;
  readonly jobId: JobId;
  /** What does the work: `migration`… */
  readonly jobKind: string;
  /** What it is about, such as the path of a VM. */
  readonly subject: string;
  readonly name: string | undefined;
  readonly batchId: string | undefined;
  readonly scheduleId: ScheduleId | undefined;
  readonly attempt: number;
  readonly message: string;
}

export interface JobProgressFields {
  readonly stage: string;
  /** From 0 to 100. */
  readonly percent: number;
  readonly doneBytes: number;
  /** Undefined until it is known. */
  readonly totalBytes: number | undefined;
}

export type JobEvent =
  | ({ readonly kind: 'job.submitted' | 'job.started' | 'job.cancelled' } & JobFields)
  /** At each stage and each tenth of the whole, not at each byte. */
  | ({ readonly kind: 'job.progress' } & JobFields & JobProgressFields)
  | ({
      readonly kind: 'job.completed';
      readonly durationMs: number;
      readonly result: Readonly<Record<string, unknown>>;
    } & JobFields)
  /** An attempt failed, and there will be another. */
  | ({
      readonly kind: 'job.retrying';
      readonly error: string;
      readonly errorKind: ErrorKind;
      readonly retryAt: number;
    } & JobFields)
  | ({
      readonly kind: 'job.failed';
      readonly durationMs: number;
      readonly error: string;
      readonly errorKind: ErrorKind;
    } & JobFields);

/** A schedule was due, or the job it made has ended. */
export interface ScheduleEvent {
  readonly kind: 'schedule.triggered' | 'schedule.completed' | 'schedule.failed';
  readonly machineId: undefined;
  readonly customerId: undefined;
  readonly scheduleId: ScheduleId;
  readonly scheduleName: string;
  /** Undefined when no job could be made. */
  readonly jobId: JobId | undefined;
  readonly isManual: boolean;
  readonly message: string;
}

export type DomainEvent = MachineEvent | ThresholdEvent | SnapshotEvent | JobEvent | ScheduleEvent;
export type EventKind = DomainEvent['kind'];

// A record, so that a kind that is new above breaks the build until it is listed here.
const KINDS = {
  'machine.created': true,
  'machine.state-changed': true,
  'machine.rebooted': true,
  'machine.command-failed': true,
  'machine.teardown-failed': true,
  'machine.deleted': true,
  'threshold.violated': true,
  'threshold.resolved': true,
  'metrics.sampled': true,
  'job.submitted': true,
  'job.started': true,
  'job.progress': true,
  'job.retrying': true,
  'job.completed': true,
  'job.failed': true,
  'job.cancelled': true,
  'schedule.triggered': true,
  'schedule.completed': true,
  'schedule.failed': true,
} satisfies Record<EventKind, true>;

/** All of them, for whoever lets others choose. */
export const EVENT_KINDS = Object.keys(KINDS) as readonly EventKind[];

export interface RecordedEvent<Event extends DomainEvent = DomainEvent> {
  readonly id: number;
  readonly at: number;
  readonly event: Event;
}

export function isMachineEvent(recorded: RecordedEvent): recorded is RecordedEvent<MachineEvent> {
  return recorded.event.kind.startsWith('machine.');
}
