/** Machines at another Drover, by the API that every client of it uses. */
import { DroverError, isErrorKind } from '#kernel/errors.ts';
import type { CustomerId, MachineId } from '#kernel/ids.ts';
import { MINUTE_MS } from '#kernel/units.ts';
import { MACHINE_STATES, type MachineState } from '#machines/machine.ts';
import { JOB_KEY } from '#transfers/machine-plan.ts';
import type { Answer, DroverClient } from './drover-client.ts';
import { isMap, textOf } from './remote-error.ts';

const VMS = 'vmprovisioner.v1.VmService';
const MACHINES = 'drover.v1.Machines';
/** Of a command, which may wait for a guest. */
const COMMAND_MS = 5 * MINUTE_MS;

export interface RemoteMachine {
  readonly id: MachineId;
  readonly customerId: string;
  readonly state: MachineState;
  readonly stateMessage: string;
  /** The job that made it, if one did. */
  readonly job: string | undefined;
}

export class RemoteMachines {
  readonly #client: DroverClient;
  readonly #customerId: CustomerId;

  constructor(client: DroverClient, customerId: CustomerId) {
    this.#client = client;
    this.#customerId = customerId;
  }

  async find(id: MachineId, signal: AbortSignal): Promise<RemoteMachine | undefined> {
    try {
      return await this.get(id, signal);
    } catch (thrown) {
      if (isErrorKind(thrown, 'not_found')) return undefined;
      throw thrown;
    }
  }

  async get(id: MachineId, signal: AbortSignal): Promise<RemoteMachine> {
    return readMachine(id, await this.#client.call(`${VMS}/GetVmInfo`, { vm_id: id }, signal));
  }

  async create(id: MachineId, config: unknown, signal: AbortSignal): Promise<void> {
    const request = { vm_id: id, customer_id: this.#customerId, config };
    await this.#client.call(`${VMS}/CreateVm`, request, signal);
  }

  async boot(id: MachineId, signal: AbortSignal): Promise<void> {
    await this.#client.call(`${VMS}/BootVm`, { vm_id: id }, signal, COMMAND_MS);
  }

  async remove(id: MachineId, signal: AbortSignal): Promise<void> {
    const request = { vm_id: id, force: true };
    await this.#client.call(`${VMS}/DeleteVm`, request, signal, COMMAND_MS);
  }

  /** The end of what the guest printed. */
  async console(id: MachineId, mostBytes: number, signal: AbortSignal): Promise<Buffer> {
    const request = { vm_id: id, offset: -mostBytes, follow: false };
    const chunks = await this.#client.stream(`${MACHINES}/Console`, request, signal);
    return Buffer.concat(chunks.map(({ data }) => Buffer.from(textOf(data), 'base64')));
  }

  async quota(signal: AbortSignal): Promise<Answer> {
    const request = { customer_id: this.#customerId };
    return await this.#client.call(`${MACHINES}/GetQuota`, request, signal);
  }
}

function readMachine(id: MachineId, answer: Answer): RemoteMachine {
  const word = textOf(answer['state']).replace('VM_STATE_', '').toLowerCase();
  const state = MACHINE_STATES.find((each) => each === word);
  if (state === undefined) {
    throw new DroverError('failed_precondition', 'the other Drover describes no machine', {
      reason: 'NOT_DROVER',
    });
  }
  const { config } = answer;
  const metadata = isMap(config) && isMap(config['metadata']) ? config['metadata'] : {};
  const job = metadata[JOB_KEY];
  return {
    ...{ id, state, customerId: textOf(answer['customer_id']) },
    stateMessage: textOf(answer['state_message']),
    job: typeof job === 'string' ? job : undefined,
  };
}
