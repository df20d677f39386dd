/** The `drover` command. */
import { connectTo } from './client/server-target.ts';
import { loadCommands } from './commands.ts';
import { runProcess } from './run-process.ts';
import { spareWebSocketClient } from './spare-web-socket-client.ts';

spareWebSocketClient();
await runProcess({ argv: process.argv.slice(2), commands: loadCommands, connect: connectTo });
