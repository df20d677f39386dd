/** Turns JSON log lines into lines for people: time, level, message, then the rest as k=v. */
import type { DestinationStream } from 'pino';

// What a terminal would act on instead of showing: a client must not be able to send colours.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

export function createPrettyDestination(to: DestinationStream): DestinationStream {
  return { write: (line: string) => to.write(formatLogLine(line)) };
}

function formatLogLine(line: string): string {
  const record: unknown = parseJson(line);
  if (typeof record !== 'object' || record === null) return line;
  const { level, time, msg, err, ...rest } = record as Record<string, unknown>;
  const clock = typeof time === 'string' ? time.slice(11, 23) : '';
  const fields = Object.entries(rest).map(([name, value]) => ` ${name}=${formatValue(value)}`);
  const head = `${clock} ${String(level).toUpperCase().padEnd(5)} ${formatText(msg)}`;
  const trouble = err === undefined ? '' : `\n    ${formatError(err)}`;
  return `${`${head}${fields.join('')}${trouble}`.replaceAll(CONTROL, '�')}\n`;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    // Not one of our records; it is passed on as it came.
    return undefined;
  }
}

function formatText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function formatValue(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value)) return value;
  return JSON.stringify(value);
}

function formatError(err: unknown): string {
  if (typeof err !== 'object' || err === null) return JSON.stringify(err);
  const { stack, message, type, causes, ...rest } = err as Record<string, unknown>;
  const text = typeof stack === 'string' ? stack : `${formatText(type)}: ${formatText(message)}`;
  const facts = Object.entries(rest).map(([name, value]) => ` ${name}=${formatValue(value)}`);
  const below = Array.isArray(causes)
    ? causes.map((cause) => `\n    caused by ${formatError(cause)}`)
    : [];
  return `${text.replaceAll('\n', '\n    ')}${facts.join('')}${below.join('')}`;
}
