/**
 * What a member thread runs, for apps of the platform and for its tasks. The link is the port given
 * as `port` in its data, or else the one to the parent thread.
 */
import { MessagePort, parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '#kernel/clock.ts';
import { MemberHost } from '#workers/runtime/member-host.ts';
import { PortLink } from '#workers/wire/port-link.ts';
import { TaskRunner } from '#workers/wire/task-runner.ts';
import { replaceEnvironment } from './environment.ts';

const link = new PortLink(findPort());
const tasks = new TaskRunner({
  link,
  onBegin: () => host.work.add(),
  onEnd: () => host.work.remove(),
});
const host = new MemberHost({
  link,
  clock: systemClock,
  prepare: async (binding) => {
    const { installWebGlobals } = await import('#workers/runtime/web-globals.ts');
    installWebGlobals();
    replaceEnvironment(binding.env);
    return binding.directory;
  },
  report: (text) => console.error(text),
  onFrame: (frame) => tasks.receive(frame),
});
link.onClose(() => tasks.abortAll());
host.start();

function findPort(): MessagePort {
  const given: unknown = Reflect.get(Object(workerData), 'port');
  if (given instanceof MessagePort) return given;
  if (parentPort === null) throw new TypeError('workerData.port: must be a MessagePort');
  return parentPort;
}
