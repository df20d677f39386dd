/** A program that has virsh stand still, prints the number of its process, and is to be killed. */
import { readFile } from 'node:fs/promises';
import { ProcessVirsh, type RunningVirsh } from '#backends/libvirt/virsh.ts';
import { holdProcess, systemClock } from '#kernel/clock.ts';
import { until } from '#test/until.ts';

const uri = { text: 'test:///default', scope: 'system', isLocal: true } as const;
const virsh = new ProcessVirsh({ uri, clock: systemClock, environment: {} });
using _life = holdProcess();
await virsh.run(['event', '--domain=test', '--event=lifecycle'], {
  signal: new AbortController().signal,
  attend: async (running: RunningVirsh) => {
    const { pid } = running;
    // What is started before it arranges for virsh to end with this.
    const isVirsh = async () =>
      (await readFile(`/proc/${pid}/comm`, 'utf8')) === 'virsh\n' ? true : undefined;
    await until(isVirsh, 'virsh');
    running.hold();
    process.stdout.write(`${pid}\n`);
    await Promise.withResolvers<void>().promise;
  },
});
