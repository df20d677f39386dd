/** Reads a machine's console, across lost connections when it follows. */
import type { Invocation } from '#apps/drover/command.ts';
import type { ConsoleResponse } from '#gen/drover/v1/machines_pb.js';
import type { ApiClient } from './api-client.ts';
import { resumeStream } from './resumed-stream.ts';

export interface ConsoleRequest {
  readonly vmId: string;
  readonly offset: bigint;
  readonly follow: boolean;
}

export function readConsole(
  api: ApiClient,
  { vmId, offset, follow }: ConsoleRequest,
  { clock, signal, terminal }: Pick<Invocation, 'clock' | 'signal' | 'terminal'>,
): AsyncGenerator<ConsoleResponse, bigint> {
  return resumeStream<ConsoleResponse, bigint>({
    start: offset,
    open: (from, until) => api.machines.console({ vmId, offset: from, follow }, { signal: until }),
    positionAfter: (message) => message.nextOffset,
    endsItself: true,
    url: api.url,
    clock,
    signal,
    onTrouble: (message) => terminal.note(`drover: ${message}`),
  });
}

const NEWLINE = 0x0a;
/** Lines of a serial console are short; further back than this nobody counts them. */
const TAIL_BYTES = 256 * 1024;

export interface ConsoleTail {
  readonly data: Uint8Array;
  readonly nextOffset: bigint;
}

/** The last lines there are now, and where to go on. */
export async function readTail(
  api: ApiClient,
  vmId: string,
  options: Pick<Invocation, 'clock' | 'signal' | 'terminal'> & { readonly lines: number },
): Promise<ConsoleTail> {
  let data = Buffer.alloc(0);
  let nextOffset = 0n;
  const request = { vmId, offset: BigInt(-TAIL_BYTES), follow: false };
  for await (const message of readConsole(api, request, options)) {
    data = Buffer.concat([data, message.data]).subarray(-TAIL_BYTES);
    nextOffset = message.nextOffset;
  }
  return { data: lastLines(data, options.lines), nextOffset };
}

/** A last line that is not ended yet counts as a line. */
export function lastLines(data: Buffer, lines: number): Buffer {
  let from = data.length - (data.at(-1) === NEWLINE ? 1 : 0);
  for (let left = lines; left > 0 && from > 0; left -= 1) {
    const at = data.lastIndexOf(NEWLINE, from - 1);
    if (at === -1) return data;
    from = at;
  }
  return lines === 0 ? data.subarray(data.length) : data.subarray(from === 0 ? 0 : from + 1);
}
