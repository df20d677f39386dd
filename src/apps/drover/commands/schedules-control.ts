/** What can be done to schedules as they are. */
import { forEachWord } from '#apps/drover/client/for-each-word.ts';
import { openRestClient } from '#apps/drover/client/rest-client.ts';
import type { RestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command } from '#apps/drover/command.ts';
import { schedulePath } from '#apps/drover/migrate/wire-schedule.ts';

const MOST_IDS = 100;

interface Action {
  readonly verb: string;
  readonly summary: string;
  readonly tell: (api: RestClient, id: string) => Promise<{ text: string; plain: unknown }>;
}

export const schedulesRemove = scheduleCommand({
  verb: 'remove',
  summary: 'Remove schedules with their history; jobs they made go on',
  async tell(api, id) {
    await api.call('DELETE', schedulePath(id));
    return { text: `removed ${id}`, plain: { removed: id } };
  },
});

export const schedulesEnable = switchCommand('enable', 'Switch schedules on');
export const schedulesDisable = switchCommand('disable', 'Switch schedules off');

export const schedulesTrigger = scheduleCommand({
  verb: 'trigger',
  summary: 'Run schedules now, also such as are switched off',
  async tell(api, id) {
    const plain = await api.call('POST', `${schedulePath(id)}/trigger`);
    const { job_id: jobId } = plain as { readonly job_id: string | null };
    return { text: `triggered ${id}${jobId === null ? '' : `: job ${jobId}`}`, plain };
  },
});

function switchCommand(verb: 'enable' | 'disable', summary: string): Command {
  return scheduleCommand({
    ...{ verb, summary },
    async tell(api, id) {
      const plain = await api.call('POST', `${schedulePath(id)}/${verb}`);
      return { text: `${verb}d ${id}`, plain };
    },
  });
}

function scheduleCommand({ verb, summary, tell }: Action): Command {
  return {
    name: `schedules ${verb}`,
    group: 'Migration',
    usage: 'ID…',
    summary,
    options: { ...SERVER_OPTIONS, ...JSON_OPTION },
    words: { least: 1, most: MOST_IDS },
    async run(invocation) {
      const api = await openRestClient(invocation, 'operator');
      await forEachWord(invocation, (id) => tell(api, id));
    },
  };
}
