import { openApiClient } from '#apps/drover/client/api-client.ts';
import type { ApiClient } from '#apps/drover/client/api-client.ts';
import { messageToPlain } from '#apps/drover/client/plain-message.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { readCreateRequest } from '#apps/drover/client/vm-template.ts';
import { IMAGE_OPTIONS } from '#apps/drover/command-settings.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, Invocation, OptionTable } from '#apps/drover/command.ts';
import { whileWaiting } from '#apps/drover/terminal.ts';
import { CreateVmResponseSchema } from '#gen/vmprovisioner/v1/vm_pb.js';
import type { CreateVmResponse } from '#gen/vmprovisioner/v1/vm_pb.js';

/** Shared with `vm run`. */
export const CREATE_OPTIONS: OptionTable = {
  name: { kind: 'text', argument: 'NAME', doc: 'A name for people; stored as metadata.' },
  id: { kind: 'text', argument: 'ID', doc: 'The id, instead of one the server makes.' },
  vcpus: { kind: 'text', argument: 'N', doc: 'vCPUs, instead of what the image says.' },
  memory: { kind: 'text', argument: 'SIZE', doc: 'Memory, such as 512MiB.' },
  meta: { kind: 'list', argument: 'NAME=VALUE', doc: 'Metadata; may be given several times.' },
  customer: { kind: 'text', argument: 'ID', doc: 'Whose machine it is (for operators).' },
};

export const IMAGE_ARGUMENT =
  'IMAGE is the name of a built image (see `drover image list`), or a file with a VmConfig or ' +
  'CreateVm request as JSON: what ends in .json or holds a slash is a file.';

export const vmCreate: Command = {
  name: 'vm create',
  group: 'Machines',
  usage: 'IMAGE',
  summary: 'Make a machine, without starting it',
  details: [IMAGE_ARGUMENT],
  options: { ...CREATE_OPTIONS, ...SERVER_OPTIONS, ...IMAGE_OPTIONS, ...JSON_OPTION },
  examples: ['drover vm create demo --name web --memory 512MiB', 'drover vm create ./vm.json'],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const api = await openApiClient(invocation);
    const created = await createVm(invocation, api);
    const plain = messageToPlain(CreateVmResponseSchema, created);
    const text = invocation.options.flag('json') ? JSON.stringify(plain) : created.vmId;
    await invocation.terminal.write(`${text}\n`);
  },
};

export async function createVm(invocation: Invocation, api: ApiClient): Promise<CreateVmResponse> {
  const request = await readCreateRequest(invocation);
  const answer = api.vms.createVm(request, { signal: invocation.signal });
  return whileWaiting(invocation, 'creating the machine', api.call(answer));
}
