/** A libvirt that says what a test has written down for it, and keeps what it was asked. */
import type { Virsh, VirshCall } from '#backends/libvirt/virsh.ts';
import { virshFailure } from '#backends/libvirt/virsh-error.ts';

/** By the beginning of the command line, the longest that fits; `!` begins what it complains. */
export type Script = Readonly<Record<string, string>>;

export class ScriptedVirsh implements Virsh {
  readonly asked: string[] = [];
  script: Script;

  constructor(script: Script) {
    this.script = script;
  }

  async run(args: readonly [string, ...string[]], { signal }: VirshCall): Promise<string> {
    signal.throwIfAborted();
    const line = args.join(' ');
    this.asked.push(line);
    const fitting = Object.keys(this.script).filter((start) => line.startsWith(start));
    const longest = fitting.toSorted((one, other) => other.length - one.length)[0];
    const answer = longest === undefined ? '!error: nothing in the script' : this.script[longest];
    if (answer?.startsWith('!') === true)
      throw virshFailure(args[0].split(' ', 1)[0] ?? '', answer.slice(1));
    return answer ?? '';
  }
}
