/**
 * Starts members that are processes: Node under its permission model, inside what walls this host
 * allows. Their folders lie under one directory, which belongs to this server alone.
 */
import { chmod, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { untilAborted } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { awaitHello } from '#workers/await-hello.ts';
import type { LaunchOptions, Member, MemberLauncher } from '#workers/member.ts';
import type { AppBinding, Grant } from '#workers/worker-app.ts';

import { confine, type Confinement, type UserRange } from './confinement.ts';
import { APP_LINK, needsOwnStart, permissionFlags } from './permission-flags.ts';
import { probeConfinement, type MemberProgram } from './probe-confinement.ts';
import { ProcessMember } from './process-member.ts';
import { UserIds } from './user-ids.ts';
import { writeProgram, type ProgramSources } from './write-program.ts';

export interface ProcessLauncherOptions {
  readonly node: string;
  readonly sources: ProgramSources;
  /** Whom members run as, and no more of them at a time; undefined for Drover's own user. */
  readonly users: UserRange | undefined;
  /** Absolute; emptied before the first member starts. */
  readonly runDirectory: string;
  readonly clock: Clock;
  /** Called once, when it is known which walls there are. */
  readonly onConfined: (confinement: Confinement) => void;
}

/** What is granted these can leave processes behind: an addon needs nobody's leave to fork. */
const FORKING: readonly Grant[] = ['child-process', 'addons'];

interface Prepared {
  readonly program: MemberProgram;
  readonly confinement: Confinement;
  readonly users: UserIds;
}

export class ProcessLauncher implements MemberLauncher {
  readonly kind = 'process';
  readonly #options: ProcessLauncherOptions;
  #prepared: Promise<Prepared> | undefined;

  constructor(options: ProcessLauncherOptions) {
    this.#options = options;
  }

  needsOwnStart(binding: AppBinding, maxMemoryBytes: number): boolean {
    return needsOwnStart(binding, maxMemoryBytes);
  }

  async launch(options: LaunchOptions, signal: AbortSignal): Promise<Member> {
    signal.throwIfAborted();
    const { runDirectory, clock } = this.#options;
    const prepared = await this.#prepare();
    const { users, confinement } = prepared;
    const directory = join(runDirectory, options.workerId);
    const uid = users.take();
    const cleanUp = async () => {
      await rm(directory, { recursive: true, force: true });
      users.give(uid);
    };
    try {
      await mkdir(directory);
      await chmod(directory, 0o711);
    } catch (cause) {
      await cleanUp();
      throw new DroverError('unavailable', 'the folder of a worker cannot be made', { cause });
    }
    const { maxMemoryBytes, binding, onOutput } = options;
    const hasChildren = binding?.grants.some((grant) => FORKING.includes(grant)) === true;
    const member = await ProcessMember.spawn({
      ...{ directory, maxMemoryBytes, clock, onOutput, cleanUp },
      command: this.#command(prepared, { directory, uid, hasChildren, launch: options }),
      isWrapped: hasChildren && confinement.hasOwnNetwork,
    });
    try {
      await untilAborted(awaitHello(member), signal);
      return member;
    } catch (thrown) {
      await member.kill();
      throw thrown;
    }
  }

  async #prepare(): Promise<Prepared> {
    this.#prepared ??= this.#prepareOnce();
    try {
      return await this.#prepared;
    } catch (thrown) {
      this.#prepared = undefined;
      throw thrown;
    }
  }

  /** Clears away what a server left that was killed; its members ended with it. */
  async #prepareOnce(): Promise<Prepared> {
    const { runDirectory, node, sources, users, onConfined } = this.#options;
    await rm(runDirectory, { recursive: true, force: true });
    const made = await mkdir(runDirectory, { recursive: true });
    // Whatever the mask of this process says: what was made on the way there is made passable too.
    for (let path = runDirectory; ; path = dirname(path)) {
      await chmod(path, 0o711);
      if (made === undefined || path.length <= made.length) break;
    }
    const programDirectory = join(runDirectory, 'program');
    await mkdir(programDirectory);
    const entry = await writeProgram(sources, programDirectory);
    const program = { node, entry, readable: [join(programDirectory, '*')] };
    const confinement = await probeConfinement({ program, runDirectory, users });
    onConfined(confinement);
    return { program, confinement, users: new UserIds(confinement.users) };
  }

  #command(
    { program, confinement }: Prepared,
    { directory, uid, hasChildren, launch }: CommandParts,
  ) {
    const { maxMemoryBytes, binding } = launch;
    const { readable, entry, node } = program;
    const flags = permissionFlags({ readable, directory, maxMemoryBytes, binding });
    const command = { file: node, args: [...flags, entry, join(directory, APP_LINK)] };
    return confine(confinement, { uid, hasChildren }, command);
  }
}

interface CommandParts {
  readonly directory: string;
  readonly uid: number | undefined;
  readonly hasChildren: boolean;
  readonly launch: LaunchOptions;
}
