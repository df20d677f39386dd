/**
 * Every command, in the order in which help shows them. Each is loaded when it is meant: all of
 * them together cost three times the memory of the agent's one.
 */
import type { Command } from './command.ts';

const LOADERS: Readonly<Record<string, () => Promise<Command>>> = {
  up: async () => (await import('./commands/up.ts')).up,
  agent: async () => (await import('./commands/agent.ts')).agent,
  config: async () => (await import('./commands/config.ts')).config,
  'vm run': async () => (await import('./commands/vm-run.ts')).vmRun,
  'vm create': async () => (await import('./commands/vm-create.ts')).vmCreate,
  'vm boot': async () => (await import('./commands/vm-lifecycle.ts')).vmBoot,
  'vm list': async () => (await import('./commands/vm-list.ts')).vmList,
  'vm info': async () => (await import('./commands/vm-info.ts')).vmInfo,
  'vm console': async () => (await import('./commands/vm-console.ts')).vmConsole,
  'vm watch': async () => (await import('./commands/vm-watch.ts')).vmWatch,
  top: async () => (await import('./commands/top.ts')).top,
  'vm pause': async () => (await import('./commands/vm-lifecycle.ts')).vmPause,
  'vm resume': async () => (await import('./commands/vm-lifecycle.ts')).vmResume,
  'vm reboot': async () => (await import('./commands/vm-lifecycle.ts')).vmReboot,
  'vm shutdown': async () => (await import('./commands/vm-lifecycle.ts')).vmShutdown,
  'vm delete': async () => (await import('./commands/vm-lifecycle.ts')).vmDelete,
  'image build': async () => (await import('./commands/image.ts')).imageBuild,
  'image list': async () => (await import('./commands/image.ts')).imageList,
  'vsphere ls': async () => (await import('./commands/vsphere.ts')).vsphereLs,
  'vsphere info': async () => (await import('./commands/vsphere.ts')).vsphereInfo,
  migrate: async () => (await import('./commands/migrate.ts')).migrate,
  'jobs list': async () => (await import('./commands/jobs.ts')).jobsList,
  'jobs show': async () => (await import('./commands/jobs.ts')).jobsShow,
  'jobs watch': async () => (await import('./commands/jobs-watch.ts')).jobsWatch,
  'jobs logs': async () => (await import('./commands/jobs-logs.ts')).jobsLogs,
  'jobs cancel': async () => (await import('./commands/jobs-control.ts')).jobsCancel,
  'jobs retry': async () => (await import('./commands/jobs-control.ts')).jobsRetry,
  'jobs clean': async () => (await import('./commands/jobs-control.ts')).jobsClean,
  'jobs set': async () => (await import('./commands/jobs-control.ts')).jobsSet,
  'jobs remove': async () => (await import('./commands/jobs-control.ts')).jobsRemove,
  'schedules list': async () => (await import('./commands/schedules.ts')).schedulesList,
  'schedules show': async () => (await import('./commands/schedules.ts')).schedulesShow,
  'schedules create': async () => (await import('./commands/schedules-edit.ts')).schedulesCreate,
  'schedules change': async () => (await import('./commands/schedules-edit.ts')).schedulesChange,
  'schedules remove': async () => (await import('./commands/schedules-control.ts')).schedulesRemove,
  'schedules enable': async () => (await import('./commands/schedules-control.ts')).schedulesEnable,
  'schedules disable': async () =>
    (await import('./commands/schedules-control.ts')).schedulesDisable,
  'schedules trigger': async () =>
    (await import('./commands/schedules-control.ts')).schedulesTrigger,
  'schedules runs': async () => (await import('./commands/schedules.ts')).schedulesRuns,
  'schedules stats': async () => (await import('./commands/schedules.ts')).schedulesStats,
  'connections list': async () => (await import('./commands/connections.ts')).connectionsList,
  'connections show': async () => (await import('./commands/connections.ts')).connectionsShow,
  'connections add': async () => (await import('./commands/connections-edit.ts')).connectionsAdd,
  'connections change': async () =>
    (await import('./commands/connections-edit.ts')).connectionsChange,
  'connections remove': async () => (await import('./commands/connections.ts')).connectionsRemove,
  'connections test': async () => (await import('./commands/connections.ts')).connectionsTest,
  'uploads list': async () => (await import('./commands/uploads.ts')).uploadsList,
  'uploads add': async () => (await import('./commands/uploads.ts')).uploadsAdd,
  'uploads remove': async () => (await import('./commands/uploads.ts')).uploadsRemove,
  'webhooks list': async () => (await import('./commands/webhooks.ts')).webhooksList,
  'webhooks add': async () => (await import('./commands/webhooks.ts')).webhooksAdd,
  'webhooks remove': async () => (await import('./commands/webhooks.ts')).webhooksRemove,
  'webhooks test': async () => (await import('./commands/webhooks.ts')).webhooksTest,
  'app new': async () => (await import('./commands/app-new.ts')).appNew,
  'app deploy': async () => (await import('./commands/app-deploy.ts')).appDeploy,
  'app list': async () => (await import('./commands/app.ts')).appList,
  'app show': async () => (await import('./commands/app.ts')).appShow,
  'app logs': async () => (await import('./commands/app-logs.ts')).appLogs,
  'app rollback': async () => (await import('./commands/app.ts')).appRollback,
  'app remove': async () => (await import('./commands/app.ts')).appRemove,
  pool: async () => (await import('./commands/pool.ts')).pool,
  'servers list': async () => (await import('./commands/servers.ts')).serversList,
  'servers show': async () => (await import('./commands/servers.ts')).serversShow,
  'servers add': async () => (await import('./commands/servers-edit.ts')).serversAdd,
  'servers edit': async () => (await import('./commands/servers-edit.ts')).serversEdit,
  'servers remove': async () => (await import('./commands/servers.ts')).serversRemove,
  'servers test': async () => (await import('./commands/servers.ts')).serversTest,
  alerts: async () => (await import('./commands/alerts.ts')).alerts,
  'alert list': async () => (await import('./commands/alert.ts')).alertList,
  'silence list': async () => (await import('./commands/silence.ts')).silenceList,
  'silence add': async () => (await import('./commands/silence.ts')).silenceAdd,
  'silence remove': async () => (await import('./commands/silence.ts')).silenceRemove,
  'rule list': async () => (await import('./commands/rule.ts')).ruleList,
  'rule show': async () => (await import('./commands/rule.ts')).ruleShow,
  'rule add': async () => (await import('./commands/rule.ts')).ruleAdd,
  'rule remove': async () => (await import('./commands/rule.ts')).ruleRemove,
  'rule enable': async () => (await import('./commands/rule.ts')).ruleEnable,
  'rule disable': async () => (await import('./commands/rule.ts')).ruleDisable,
  'token create': async () => (await import('./commands/token.ts')).tokenCreate,
  'token list': async () => (await import('./commands/token.ts')).tokenList,
  'token revoke': async () => (await import('./commands/token.ts')).tokenRevoke,
  'quota get': async () => (await import('./commands/quota.ts')).quotaGet,
  'quota set': async () => (await import('./commands/quota.ts')).quotaSet,
  completion: async () => (await import('./commands/completion.ts')).completion,
  version: async () => (await import('./commands/version.ts')).version,
};

/** What can be said of this command line: the one command it names, or all to choose from. */
export async function loadCommands(argv: readonly string[]): Promise<readonly Command[]> {
  const [first = '', second = ''] = argv;
  for (const name of [first, `${first} ${second}`]) {
    const load = Object.hasOwn(LOADERS, name) ? LOADERS[name] : undefined;
    if (load !== undefined) return [await load()];
  }
  return await loadAllCommands();
}

export async function loadAllCommands(): Promise<readonly Command[]> {
  return await Promise.all(Object.values(LOADERS).map((load) => load()));
}
