/**
 * The program's log: JSON lines on standard error, since standard output is kept for the one
 * line that says Drover is ready. What is logged as `err` is shown whole, with its causes, and
 * with secrets taken out.
 */
import { pino } from 'pino';
import type { DestinationStream, Logger, LoggerOptions } from 'pino';
import { DroverError } from '#kernel/errors.ts';
import { createPrettyDestination } from './pretty-log.ts';
import { REDACTED, isSecretName, redactText, redactValue } from './redaction.ts';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

export interface CreateLoggerOptions {
  readonly level: LogLevel;
  /** Where lines go; standard error when left out. */
  readonly destination?: DestinationStream;
  /** One readable line for each event instead of JSON, for people at a terminal. */
  readonly pretty?: boolean;
}

const STDERR = 2;
const MAX_CAUSES = 5;
export function createLogger(options: CreateLoggerOptions): Logger {
  const settings: LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }), log: redactRecord, bindings: redactRecord },
    serializers: { err: errorToLog, error: errorToLog },
  };
  const destination = options.destination ?? pino.destination({ fd: STDERR, sync: true });
  return pino(
    settings,
    options.pretty === true ? createPrettyDestination(destination) : destination,
  );
}

/**
 * Secrets are known by their names, at any depth. Flat records, which most are, are not copied.
 * Errors are left to their serializer.
 */
function redactRecord(record: Record<string, unknown>): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const [name, value] of Object.entries(record)) {
    const isError = name === 'err' || name === 'error';
    if (isError) continue;
    if (isSecretName(name)) (copy ??= { ...record })[name] = REDACTED;
    else if (typeof value === 'object') (copy ??= { ...record })[name] = redactValue(value);
  }
  return copy ?? record;
}

interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly kind?: string;
  readonly reason?: string;
  readonly code?: string;
  readonly context?: unknown;
  readonly metadata?: unknown;
  readonly stack?: string;
  readonly causes?: readonly LoggedError[];
}

/** The error and, in order, what caused it. Expected refusals need no stack; the rest do. */
function errorToLog(thrown: unknown): LoggedError {
  const causes: LoggedError[] = [];
  const seen = new Set([thrown]);
  let cause = thrown instanceof Error ? thrown.cause : undefined;
  while (cause !== undefined && !seen.has(cause) && causes.length < MAX_CAUSES) {
    seen.add(cause);
    causes.push(describeError(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  const described = describeError(thrown);
  return causes.length === 0 ? described : { ...described, causes };
}

function describeError(thrown: unknown): LoggedError {
  if (!(thrown instanceof Error)) {
    return { type: typeof thrown, message: JSON.stringify(redactValue(thrown)) ?? 'undefined' };
  }
  const shared = { type: thrown.name, message: redactText(thrown.message) };
  if (thrown instanceof DroverError) {
    const isExpected = thrown.kind !== 'internal' && thrown.kind !== 'data_loss';
    return {
      ...shared,
      kind: thrown.kind,
      reason: thrown.reason,
      ...(Object.keys(thrown.metadata).length > 0 && { metadata: redactValue(thrown.metadata) }),
      ...(Object.keys(thrown.context).length > 0 && { context: redactValue(thrown.context) }),
      ...(isExpected || thrown.stack === undefined ? {} : { stack: redactText(thrown.stack) }),
    };
  }
  return {
    ...shared,
    ...('code' in thrown && typeof thrown.code === 'string' && { code: thrown.code }),
    ...(thrown.stack !== undefined && { stack: redactText(thrown.stack) }),
  };
}
