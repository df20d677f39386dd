/**
 * Runs the programs the kernel's network is set up with: ip, bridge and tc of iproute2, and nft.
 * Always with argument arrays and batches on stdin, bounded in time and in output.
 */
import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { Transform } from 'node:stream';
import type { Readable } from 'node:stream';

import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import { MIB, SECOND_MS } from '#kernel/units.ts';

export type HostTool = 'ip' | 'bridge' | 'tc' | 'nft' | 'tee';

export interface HostToolCall {
  readonly args: readonly string[];
  readonly stdin?: string;
  /** Set: a failure is an answer, not an error. */
  readonly mayFail?: boolean;
}

export interface HostToolResult {
  readonly isSuccess: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

const CALL_TIMEOUT_MS = 10 * SECOND_MS;
const MAX_OUTPUT_BYTES = 32 * MIB;

/** Fixed, so that they are found whatever the PATH of the user who started Drover. */
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
};

const PACKAGE_OF = {
  ip: 'iproute2',
  bridge: 'iproute2',
  tc: 'iproute2',
  nft: 'nftables',
  tee: 'coreutils',
} as const satisfies Record<HostTool, string>;

export class HostTools {
  readonly #clock: Clock;
  readonly #netns: string | undefined;

  constructor(clock: Clock, netns: string | undefined) {
    this.#clock = clock;
    this.#netns = netns;
  }

  async run(tool: HostTool, call: HostToolCall, signal: AbortSignal): Promise<HostToolResult> {
    const [program, ...prefix] = this.#commandOf(tool);
    using deadline = openDeadline(this.#clock, CALL_TIMEOUT_MS, `running ${tool}`, signal);
    const command = { program, args: [...prefix, ...call.args], stdin: call.stdin ?? '' };
    let result: HostToolResult;
    try {
      result = await runBounded(command, deadline.signal);
    } catch (thrown) {
      deadline.signal.throwIfAborted();
      if (systemErrorCode(thrown) === 'ENOENT') throw toolMissing(tool, thrown);
      throw thrown;
    }
    if (!result.isSuccess && call.mayFail !== true) throw toolFailed(tool, call, result);
    return result;
  }

  /** Runs a batch, one command a line; with `mayFail` it goes on after a line that fails. */
  async batch(
    tool: 'ip' | 'bridge' | 'tc',
    lines: readonly string[],
    { signal, mayFail = false }: { readonly signal: AbortSignal; readonly mayFail?: boolean },
  ): Promise<HostToolResult> {
    if (lines.length === 0) return { isSuccess: true, stdout: '', stderr: '' };
    const args = mayFail ? ['-force', '-batch', '-'] : ['-batch', '-'];
    return await this.run(tool, { args, stdin: `${lines.join('\n')}\n`, mayFail }, signal);
  }

  async #json(tool: 'ip' | 'bridge', call: HostToolCall, signal: AbortSignal): Promise<unknown[]> {
    const { stdout } = await this.run(tool, { ...call, args: ['-j', ...call.args] }, signal);
    return parseJsonDocuments(stdout);
  }

  /** What `ip -j …` lists. */
  async list(args: readonly string[], signal: AbortSignal): Promise<unknown[]> {
    return await this.#json('ip', { args }, signal);
  }

  /** The details of those of the named links that exist. */
  async links(names: readonly string[], signal: AbortSignal): Promise<unknown[]> {
    if (names.length === 0) return [];
    const stdin = names.map((name) => `link show dev ${name}\n`).join('');
    const args = ['-d', '-force', '-batch', '-'];
    return await this.#json('ip', { args, stdin, mayFail: true }, signal);
  }

  #commandOf(tool: HostTool): [string, ...string[]] {
    if (this.#netns === undefined) return [tool];
    // nft and tee know nothing of namespaces, and setns alone is what -n does for the others.
    if (tool === 'nft' || tool === 'tee') return ['ip', 'netns', 'exec', this.#netns, tool];
    return [tool, '-n', this.#netns];
  }
}

interface BoundedCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly stdin: string;
}

async function runBounded(command: BoundedCommand, signal: AbortSignal): Promise<HostToolResult> {
  const child = spawn(command.program, [...command.args], {
    env: ENVIRONMENT,
    stdio: ['pipe', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  });
  const { promise: ended, resolve, reject } = Promise.withResolvers<number | null>();
  child.on('error', reject);
  child.on('close', (code) => resolve(code));
  // A program that ends without reading its input is reported by its exit code.
  child.stdin.on('error', () => undefined);
  child.stdin.end(command.stdin);
  try {
    const [code, stdout, stderr] = await Promise.all([
      ended,
      readBounded(child.stdout),
      readBounded(child.stderr),
    ]);
    return { isSuccess: code === 0, stdout, stderr };
  } catch (thrown) {
    child.kill('SIGKILL');
    throw thrown;
  }
}

async function readBounded(stream: Readable): Promise<string> {
  let sizeBytes = 0;
  const bound = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length;
      if (sizeBytes <= MAX_OUTPUT_BYTES) done(null, chunk);
      else done(new Error(`a network program wrote more than ${MAX_OUTPUT_BYTES} bytes`));
    },
  });
  stream.on('error', (error) => bound.destroy(error));
  return (await buffer(stream.pipe(bound))).toString();
}

/** A batch prints one JSON array per command, each on its own line or lines. */
export function parseJsonDocuments(text: string): unknown[] {
  const found: unknown[] = [];
  let pending = '';
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    pending += line;
    if (!line.trimEnd().endsWith(']')) continue;
    const parsed = tryParse(pending);
    if (parsed === undefined) continue;
    pending = '';
    if (Array.isArray(parsed)) found.push(...(parsed as unknown[]));
  }
  if (pending !== '') {
    throw new DroverError('internal', 'the host described its network in an unknown form', {
      reason: 'NETWORK_UNREADABLE',
      context: { text: text.slice(0, 2000) },
    });
  }
  return found;
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // An array that goes on in the next line: the caller adds that and tries again.
    return undefined;
  }
}

function toolMissing(tool: HostTool, cause: unknown): DroverError {
  const name = PACKAGE_OF[tool];
  return new DroverError(
    'failed_precondition',
    `network mode tap needs the program ${tool} (package ${name}); install it, or use mode user`,
    { reason: 'PROGRAM_MISSING', metadata: { program: tool, package: name }, cause },
  );
}

function toolFailed(tool: HostTool, call: HostToolCall, result: HostToolResult): DroverError {
  const stderr = result.stderr.trim().slice(0, 2000);
  const context = { tool, args: call.args, stdin: call.stdin?.slice(0, 4000), stderr };
  if (isPermissionRefusal(stderr)) return notPermitted(context);
  return new DroverError(
    'unavailable',
    `the host's network could not be changed (${tool}); see the log of the server`,
    { reason: 'NETWORK_COMMAND_FAILED', metadata: { program: tool }, context },
  );
}

export function isPermissionRefusal(stderr: string): boolean {
  return /operation not permitted|permission denied|must be root/i.test(stderr);
}

export function notPermitted(context: Readonly<Record<string, unknown>>): DroverError {
  return new DroverError(
    'failed_precondition',
    'network mode tap needs the capability CAP_NET_ADMIN; run Drover as root or give it that ' +
      'capability, or choose network mode user, which needs none',
    { reason: 'NETWORK_NOT_PERMITTED', metadata: { capability: 'CAP_NET_ADMIN' }, context },
  );
}
