/** Runs command lines against handlers that a test writes, in place of a server. */
import { createRouterTransport } from '@connectrpc/connect';
import type { ServiceImpl } from '@connectrpc/connect';

import type { Environment } from '#apps/drover/env.ts';
import { FakeTerminal } from '#apps/drover/fake-terminal.ts';
import { runDrover } from '#apps/drover/run-drover.ts';
import { Machines } from '#gen/drover/v1/machines_pb.js';
import { VmService } from '#gen/vmprovisioner/v1/vm_pb.js';
import { FakeClock } from '#kernel/fake-clock.ts';
import { loadCommands } from '#apps/drover/commands.ts';
import type { ServerTarget } from './server-target.ts';

export interface FakeApi {
  readonly vms?: Partial<ServiceImpl<typeof VmService>>;
  readonly machines?: Partial<ServiceImpl<typeof Machines>>;
}

export interface FakeRunOptions {
  readonly api?: FakeApi;
  readonly terminal?: FakeTerminal;
  readonly clock?: FakeClock;
  readonly signal?: AbortSignal;
  readonly env?: Partial<Environment>;
}

export interface FakeRun {
  readonly terminal: FakeTerminal;
  readonly clock: FakeClock;
  /** The servers the command connected to, and as whom. */
  readonly targets: readonly ServerTarget[];
  readonly exitCode: Promise<number>;
}

export const FAKE_ENV: Environment = {
  variables: {},
  currentDir: '/nowhere',
  homeDir: '/nowhere',
  dataHome: undefined,
  configHome: undefined,
  hostname: 'host-1',
  isRoot: false,
  wantsColour: false,
  govc: {},
  session: {},
};

export function runFake(argv: readonly string[], options: FakeRunOptions = {}): FakeRun {
  const { api = {}, terminal = new FakeTerminal(), clock = new FakeClock() } = options;
  const targets: ServerTarget[] = [];
  const transport = createRouterTransport(({ service }) => {
    service(VmService, api.vms ?? {});
    service(Machines, api.machines ?? {});
  });
  const exitCode = runDrover(argv, {
    terminal,
    clock,
    env: { ...FAKE_ENV, ...options.env },
    signal: options.signal ?? new AbortController().signal,
    commands: loadCommands,
    connect(target) {
      targets.push(target);
      return Promise.resolve(transport);
    },
  });
  return { terminal, clock, targets, exitCode };
}
