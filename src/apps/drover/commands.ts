/** Every command, in the order in which help shows them. */
import type { Command } from './command.ts';
import { agent } from './commands/agent.ts';
import { completion } from './commands/completion.ts';
import { config } from './commands/config.ts';
import { imageBuild, imageList } from './commands/image.ts';
import { quotaGet, quotaSet } from './commands/quota.ts';
import { tokenCreate, tokenList, tokenRevoke } from './commands/token.ts';
import { up } from './commands/up.ts';
import { version } from './commands/version.ts';
import { vmConsole } from './commands/vm-console.ts';
import { vmCreate } from './commands/vm-create.ts';
import { vmInfo } from './commands/vm-info.ts';
import {
  vmBoot,
  vmDelete,
  vmPause,
  vmReboot,
  vmResume,
  vmShutdown,
} from './commands/vm-lifecycle.ts';
import { vmList } from './commands/vm-list.ts';
import { vmRun } from './commands/vm-run.ts';
import { vmWatch } from './commands/vm-watch.ts';

export const COMMANDS: readonly Command[] = [
  up,
  agent,
  config,
  vmRun,
  vmCreate,
  vmBoot,
  vmList,
  vmInfo,
  vmConsole,
  vmWatch,
  vmPause,
  vmResume,
  vmReboot,
  vmShutdown,
  vmDelete,
  imageBuild,
  imageList,
  tokenCreate,
  tokenList,
  tokenRevoke,
  quotaGet,
  quotaSet,
  completion,
  version,
];
