/** What a machine can be told. What it would obey now, the server says of each. */
import { VmService } from '#gen/vmprovisioner/v1/vm_pb.js';
import { toApiError } from '#web/api/api-error.ts';
import { callRpc } from '#web/api/rpc.ts';
import type { IconName } from '#web/components/icon-shapes.ts';
import { MACHINES } from '#web/text/machines.ts';

export const COMMANDS = ['boot', 'resume', 'pause', 'shutdown', 'reboot', 'delete'] as const;

export type Command = (typeof COMMANDS)[number];

export const COMMAND_ICONS: Readonly<Record<Command, IconName>> = {
  ...{ boot: 'play', resume: 'play', pause: 'pause', shutdown: 'power', reboot: 'refresh' },
  delete: 'trash',
};

/** These interrupt or destroy something, and ask first. */
const ASKING: ReadonlySet<Command> = new Set(['shutdown', 'reboot', 'delete']);

export interface Commanded {
  readonly id: string;
  readonly name: string;
  readonly allowed: readonly string[];
}

export interface CommandOptions {
  readonly force: boolean;
  readonly timeoutSeconds: number;
}

export const GENTLY: CommandOptions = { force: false, timeoutSeconds: 30 };

export function mayBeTold(command: Command, { allowed }: Commanded): boolean {
  return allowed.includes(command) || allowed.includes(`force-${command}`);
}

export function needsForce(command: Command, { allowed }: Commanded): boolean {
  return allowed.includes(`force-${command}`);
}

export function asksFirst(command: Command): boolean {
  return ASKING.has(command);
}

export function parseCommand(text: string): Command | undefined {
  return COMMANDS.find((each) => each === text);
}

/** The server answers when it is done: a guest may take its time to power off. */
const BESIDES_MS = 30_000;

/** How it went, in the word of the API: empty where there is nothing to tell. */
export async function tellMachine(
  command: Command,
  vmId: string,
  { force, timeoutSeconds }: CommandOptions,
): Promise<string> {
  const options = { deadlineMs: timeoutSeconds * 1000 + BESIDES_MS };
  const { method } = VmService;
  switch (command) {
    case 'boot':
      await callRpc(method.bootVm, { vmId }, options);
      return '';
    case 'pause':
      await callRpc(method.pauseVm, { vmId }, options);
      return '';
    case 'resume':
      await callRpc(method.resumeVm, { vmId }, options);
      return '';
    case 'shutdown':
      return (await callRpc(method.shutdownVm, { vmId, force, timeoutSeconds }, options)).outcome;
    case 'reboot':
      return (await callRpc(method.rebootVm, { vmId, force }, options)).outcome;
    case 'delete':
      await callRpc(method.deleteVm, { vmId, force }, options);
      return '';
  }
}

const AT_ONCE = 4;

export interface Told {
  readonly command: Command;
  readonly machines: readonly Commanded[];
  readonly outcomes: readonly string[];
  /** The words of those that refused. */
  readonly failures: readonly string[];
}

/** A few at a time; one that fails keeps no other from being told. */
export async function tellMachines(
  command: Command,
  machines: readonly Commanded[],
  options: CommandOptions,
): Promise<Told> {
  const waiting = [...machines];
  const outcomes: string[] = [];
  const failures: string[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      try {
        // A few workers, each with one request at a time.
        // eslint-disable-next-line no-await-in-loop
        outcomes.push(await tellMachine(command, next.id, options));
      } catch (thrown) {
        failures.push(toApiError(thrown).message);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, machines.length) }, work));
  return { command, machines, outcomes, failures };
}

/** What to say of it in passing. */
export function toldToText({ command, machines, outcomes, failures }: Told): string {
  const [first] = machines;
  const [failure] = failures;
  if (failure !== undefined) {
    return machines.length === 1
      ? failure
      : MACHINES.someFailed(command, failures.length, machines.length, failure);
  }
  if (machines.length !== 1 || first === undefined) {
    return MACHINES.allDone(command, machines.length);
  }
  const told = MACHINES.outcomes[outcomes[0] ?? ''];
  return told === undefined ? MACHINES.done(command, first.name) : told(first.name);
}
