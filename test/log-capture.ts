/** Keeps what a logger writes, so that a test can read it. */
import { createLogger, type Logger, type LogLevel } from '#surfaces/edge/logger.ts';

export interface LogCapture {
  readonly log: Logger;
  /** Every line, as JSON text. */
  readonly text: () => string;
  readonly records: () => Record<string, unknown>[];
}

export function createLogCapture(level: LogLevel = 'trace'): LogCapture {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return {
    log: createLogger({ level, destination }),
    text: () => lines.join(''),
    records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}
