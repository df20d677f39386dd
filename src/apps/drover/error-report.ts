/** Says on stderr what went wrong and, where it is known, what to do next. */
import { DroverError, toDroverError } from '#kernel/errors.ts';
import { EXIT_CODES } from './exit-codes.ts';

export interface ErrorReport {
  readonly exitCode: number;
  /** For stderr; empty when there is nothing to say. */
  readonly text: string;
}

export function reportError(thrown: unknown, options: { readonly asJson: boolean }): ErrorReport {
  const error = explain(thrown);
  const exitCode = EXIT_CODES[error.kind];
  const hint = hintFor(error);
  if (options.asJson) {
    const { kind, reason, message, metadata } = error;
    const body = { kind, reason, message, metadata, ...(hint === undefined ? {} : { hint }) };
    return { exitCode, text: `${JSON.stringify({ error: { ...body, exit_code: exitCode } })}\n` };
  }
  // Whoever pressed Ctrl-C knows.
  if (error.kind === 'cancelled') return { exitCode, text: '' };
  const lines = [`drover: ${error.message}`, ...(hint === undefined ? [] : [`  ${hint}`])];
  return { exitCode, text: `${lines.join('\n')}\n` };
}

/** At a terminal the user and the operator are one: an unexpected failure shows its cause. */
function explain(thrown: unknown): DroverError {
  const error = toDroverError(thrown);
  if (error.kind !== 'internal' || error === thrown) return error;
  const what = thrown instanceof Error ? thrown.message : String(thrown);
  return new DroverError('internal', `this should not happen: ${what}`, { cause: thrown });
}

/** Where what there is can be seen, by what was not found. */
const LISTS: Readonly<Record<string, string>> = {
  VM_NOT_FOUND: 'vm list',
  SOURCE_VM_NOT_FOUND: 'vsphere ls',
  APP_NOT_FOUND: 'app list',
  JOB_NOT_FOUND: 'jobs list',
  SCHEDULE_NOT_FOUND: 'schedules list',
  WEBHOOK_NOT_FOUND: 'webhooks list',
  CONNECTION_NOT_FOUND: 'connections list',
};

function hintFor(error: DroverError): string | undefined {
  switch (error.reason) {
    case 'USAGE':
      return error.metadata['help'] === undefined ? undefined : `see ${error.metadata['help']}`;
    case 'SERVER_UNREACHABLE':
      return 'is `drover up` running? --server URL or DROVER_SERVER says where';
    case 'INVALID_CONFIG':
      return 'see drover config --help for every setting';
    case 'OPERATOR_REQUIRED':
      return 'make one with: drover token create --operator NAME';
    case 'JOB_FAILED': {
      const id = error.metadata['job_id'];
      const undo = `or remove what it left with drover jobs clean ${id}`;
      return `see drover jobs logs ${id}; go on with drover jobs retry ${id}, ${undo}`;
    }
    default:
      if (Object.hasOwn(LISTS, error.reason)) return `see drover ${LISTS[error.reason]}`;
      return error.kind === 'unauthenticated'
        ? 'give a token by --token-file, DROVER_TOKEN or DROVER_TOKEN_FILE'
        : undefined;
  }
}
