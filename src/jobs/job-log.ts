/** What a job says while it runs, for people. Never a secret, and not without end. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface JobLogLine {
  /** Grows within a job, from 1. */
  readonly sequence: number;
  readonly at: number;
  readonly level: LogLevel;
  readonly text: string;
}

/** Of one line, in characters. */
export const MOST_LINE = 4096;
/** Of one job; the oldest lines go first. */
export const MOST_LINES = 2000;
export const MOST_LOG_BYTES = 512 * 1024;
