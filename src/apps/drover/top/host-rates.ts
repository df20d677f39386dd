/** Rates from the counters of two answers. Where they do not tell, there is none. */
import { counterDelta } from '#metrics/counter-delta.ts';
import type { DiskCounters, InterfaceCounters } from './top-answer.ts';
import type { TopAnswer } from './top-source.ts';

export interface DiskRates {
  readonly name: string;
  readonly readPerSecond: number | undefined;
  readonly writtenPerSecond: number | undefined;
  /** 0..100 */
  readonly busyPercent: number | undefined;
}

export interface InterfaceRates {
  readonly name: string;
  readonly receivedPerSecond: number | undefined;
  readonly sentPerSecond: number | undefined;
}

export interface HostRates {
  readonly disks: readonly DiskRates[];
  readonly interfaces: readonly InterfaceRates[];
}

/** Closer together than this, two answers are about one and the same sample. */
const SAME_SAMPLE_MS = 50;

export class HostRateMeter {
  #before: TopAnswer | undefined;
  #rates: HostRates | undefined;

  /** Answers about the sample that was seen already repeat its rates. */
  update(answer: TopAnswer): HostRates {
    const before = this.#before;
    const elapsedMs = before === undefined ? 0 : elapsedBetween(before, answer);
    const isSame = this.#rates !== undefined && Math.abs(elapsedMs) < SAME_SAMPLE_MS;
    if (isSame && this.#rates !== undefined) return this.#rates;
    const isAnotherHost = before?.host?.instanceId !== answer.host?.instanceId;
    this.#rates = ratesBetween(isAnotherHost ? undefined : before, answer, elapsedMs);
    this.#before = answer;
    return this.#rates;
  }
}

/** By the age the server tells; one that does not tell it still says the second. */
function elapsedBetween(before: TopAnswer, after: TopAnswer): number {
  if (before.sampleAgeMs !== undefined && after.sampleAgeMs !== undefined) {
    return after.sampledAtMs - before.sampledAtMs;
  }
  return (after.host?.atMs ?? 0) - (before.host?.atMs ?? 0);
}

function ratesBetween(
  before: TopAnswer | undefined,
  after: TopAnswer,
  elapsedMs: number,
): HostRates {
  const perSecond = (from: number | undefined, to: number | undefined) => {
    const grown = to === undefined ? undefined : counterDelta(from, to, elapsedMs);
    return grown === undefined ? undefined : (grown * 1000) / elapsedMs;
  };
  const diskBefore = new Map(before?.host?.disks.map((disk) => [disk.name, disk]));
  const nicBefore = new Map(before?.host?.interfaces.map((nic) => [nic.name, nic]));
  const disks = shownDisks(after.host?.disks ?? []).map((disk) => {
    const from = diskBefore.get(disk.name);
    const busy = perSecond(from?.busyMs, disk.busyMs);
    return {
      name: disk.name,
      readPerSecond: perSecond(from?.readBytes, disk.readBytes),
      writtenPerSecond: perSecond(from?.writtenBytes, disk.writtenBytes),
      busyPercent: busy === undefined ? undefined : Math.min(100, busy / 10),
    };
  });
  const interfaces = shownInterfaces(after.host?.interfaces ?? []).map((nic) => ({
    name: nic.name,
    receivedPerSecond: perSecond(nicBefore.get(nic.name)?.receivedBytes, nic.receivedBytes),
    sentPerSecond: perSecond(nicBefore.get(nic.name)?.sentBytes, nic.sentBytes),
  }));
  return { disks, interfaces };
}

/** Without partitions, whose disk is there too, and without what was never used. */
function shownDisks(disks: readonly DiskCounters[]): readonly DiskCounters[] {
  const names = new Set(disks.map(({ name }) => name));
  return disks.filter(({ name, readBytes = 0, writtenBytes = 0 }) => {
    const whole = /^(.*\d)p\d+$/.exec(name)?.[1] ?? /^([a-z]+)\d+$/.exec(name)?.[1];
    return (whole === undefined || !names.has(whole)) && readBytes + writtenBytes > 0;
  });
}

function shownInterfaces(interfaces: readonly InterfaceCounters[]): readonly InterfaceCounters[] {
  return interfaces.filter(({ receivedBytes = 0, sentBytes = 0 }) => receivedBytes + sentBytes > 0);
}
