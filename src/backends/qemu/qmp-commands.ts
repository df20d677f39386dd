/** The monitor commands and events in use, with what they take and answer. */
import { DroverError } from '#kernel/errors.ts';
import { isRecord } from './qmp-reader.ts';

export interface QmpStatus {
  readonly isRunning: boolean;
  /** QEMU's own word: `running`, `paused`, `shutdown`, `io-error`… */
  readonly status: string;
}

export interface QmpBlockStats {
  readonly readBytes: number;
  readonly writeBytes: number;
  readonly readOps: number;
  readonly writeOps: number;
}

export interface FileChardev {
  readonly id: string;
  readonly backend: {
    readonly type: 'file';
    readonly data: { readonly out: string; readonly append: boolean };
  };
}

interface Command<Arguments, Result> {
  readonly arguments: Arguments;
  readonly result: Result;
}

export interface QmpCommands {
  qmp_capabilities: Command<undefined, void>;
  'query-status': Command<undefined, QmpStatus>;
  'query-blockstats': Command<undefined, readonly QmpBlockStats[]>;
  'chardev-change': Command<FileChardev, void>;
  stop: Command<undefined, void>;
  cont: Command<undefined, void>;
  system_reset: Command<undefined, void>;
  system_powerdown: Command<undefined, void>;
}

export type QmpCommandName = keyof QmpCommands;

type ResultParsers = {
  readonly [Name in QmpCommandName]: (value: unknown) => QmpCommands[Name]['result'];
};

const ignored = () => undefined;

/** Answers are parsed where they arrive, so that past this table types are proof. */
export const QMP_RESULT_PARSERS: ResultParsers = {
  qmp_capabilities: ignored,
  'query-status': parseStatus,
  'query-blockstats': parseBlockStats,
  'chardev-change': ignored,
  stop: ignored,
  cont: ignored,
  system_reset: ignored,
  system_powerdown: ignored,
};

/** Events that say something about the guest's life; all others are left out. */
export type QmpEvent =
  | { readonly name: 'SHUTDOWN' | 'RESET'; readonly isByGuest: boolean; readonly reason: string }
  | { readonly name: 'GUEST_PANICKED' };

export function parseQmpEvent(
  name: string,
  data: Readonly<Record<string, unknown>>,
): QmpEvent | undefined {
  switch (name) {
    case 'SHUTDOWN':
    case 'RESET': {
      const { guest, reason } = data;
      return { name, isByGuest: guest === true, reason: typeof reason === 'string' ? reason : '' };
    }
    case 'GUEST_PANICKED':
      return { name };
    default:
      return undefined;
  }
}

function parseStatus(value: unknown): QmpStatus {
  if (isRecord(value) && typeof value['running'] === 'boolean') {
    const { running, status } = value;
    return { isRunning: running, status: typeof status === 'string' ? status : 'unknown' };
  }
  throw unexpected('query-status', value);
}

function parseBlockStats(value: unknown): QmpBlockStats[] {
  if (!Array.isArray(value)) throw unexpected('query-blockstats', value);
  return value.map((entry: unknown) => {
    const stats = isRecord(entry) ? entry['stats'] : undefined;
    if (!isRecord(stats)) throw unexpected('query-blockstats', value);
    return {
      readBytes: countOf(stats['rd_bytes']),
      writeBytes: countOf(stats['wr_bytes']),
      readOps: countOf(stats['rd_operations']),
      writeOps: countOf(stats['wr_operations']),
    };
  });
}

function countOf(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? value : 0;
}

function unexpected(command: string, value: unknown): DroverError {
  return new DroverError('unavailable', 'QEMU gave an answer that is not understood', {
    reason: 'QMP_PROTOCOL',
    context: { command, value },
  });
}
