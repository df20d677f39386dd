/**
 * What a member process runs: `node … process-main.ts FOLDER`, where FOLDER is where the app is
 * found once the member has one, and descriptor 3 is the socket to the server.
 *
 * It ends with its link, so that no member outlives the server. What an app leaves uncaught ends it
 * too, with the error on stderr: that is Node's own way.
 */
import { Socket } from 'node:net';
import { systemClock } from '#kernel/clock.ts';
import { hardenProcess } from '#workers/runtime/harden.ts';
import { MemberHost } from '#workers/runtime/member-host.ts';
import { warmUp, warmUpTypes } from '#workers/runtime/warm-up.ts';
import { installWebGlobals } from '#workers/runtime/web-globals.ts';
import { SocketLink } from '#workers/wire/socket-link.ts';
import { replaceEnvironment } from './environment.ts';

const LINK_DESCRIPTOR = 3;
/** A member that has no app after this is one that waits for any. */
const WAITING_MS = 100;

const [, , appDirectory] = process.argv;
// Taken before an app can put something else in its place.
const exit = process.exit.bind(process);
let isTaken = false;
const link = new SocketLink(new Socket({ fd: LINK_DESCRIPTOR }));
const host = new MemberHost({
  link,
  clock: systemClock,
  prepare: (binding) => {
    isTaken = true;
    replaceEnvironment(binding.env);
    return appDirectory ?? binding.directory;
  },
  report: (text) => console.error(text),
});
link.onClose(() => exit(0));
// From a terminal it reaches the whole group; the server lets its members finish first.
process.on('SIGINT', () => undefined);
hardenProcess();
installWebGlobals((head, body, handler) => host.exchanges.begin(head, body, handler));
await warmUp();
host.start();
systemClock.after(WAITING_MS, () => {
  if (!isTaken) warmUpTypes();
});
