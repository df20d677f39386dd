import { openApiClient } from '#apps/drover/client/api-client.ts';
import { parseStateName, STATE_NAMES, vmsToTable } from '#apps/drover/client/machine-text.ts';
import { messageToPlain } from '#apps/drover/client/plain-message.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command } from '#apps/drover/command.ts';
import { paintState } from '#apps/drover/terminal.ts';
import { VmInfoSchema } from '#gen/vmprovisioner/v1/vm_pb.js';
import type { VmInfo } from '#gen/vmprovisioner/v1/vm_pb.js';

const DEFAULT_PAGE = 50;
const LARGEST_PAGE = 1000;

export const vmList: Command = {
  name: 'vm list',
  group: 'Machines',
  usage: '',
  summary: 'List machines, newest first',
  options: {
    state: { kind: 'list', argument: 'STATE', doc: 'Only these.', choices: STATE_NAMES },
    all: { kind: 'flag', doc: `All of them; without it the newest ${DEFAULT_PAGE}.` },
    limit: { kind: 'text', argument: 'N', doc: `How many at most, up to ${LARGEST_PAGE}.` },
    after: { kind: 'text', argument: 'TOKEN', doc: 'Go on where a list with more to come ended.' },
    ...SERVER_OPTIONS,
    ...JSON_OPTION,
  },
  examples: ['drover vm list --state running', 'drover vm list --all --json'],
  words: { least: 0, most: 0 },
  async run(invocation) {
    const { options, terminal, clock, signal } = invocation;
    const stateFilter = options.list('state').map((text) => parseStateName('--state', text));
    const limit = options.whole('limit', { least: 1, most: LARGEST_PAGE });
    const isAll = options.flag('all');
    const pageSize = limit ?? (isAll ? LARGEST_PAGE : DEFAULT_PAGE);
    const api = await openApiClient(invocation);
    const vms: VmInfo[] = [];
    let pageToken = options.text('after') ?? '';
    let totalCount: number;
    do {
      const request = { stateFilter, pageSize, pageToken };
      const page = await api.call(api.vms.listVms(request, { signal }));
      vms.push(...page.vms);
      pageToken = page.nextPageToken;
      ({ totalCount } = page);
    } while (isAll && pageToken !== '');
    if (options.flag('json')) {
      const json = {
        vms: vms.map((vm) => messageToPlain(VmInfoSchema, vm)),
        next_page_token: pageToken,
        total_count: totalCount,
      };
      await terminal.write(`${JSON.stringify(json, null, 2)}\n`);
      return;
    }
    const paint = (state: string) => paintState(terminal, state);
    await terminal.write(vmsToTable(vms, { nowMs: clock.nowMs(), paint }));
    if (vms.length === 0) terminal.note('no machines; make one with: drover vm run demo');
    if (pageToken !== '') {
      terminal.note(
        `${vms.length} of ${totalCount}; --all shows the rest, or --after ${pageToken}`,
      );
    }
  },
};
