/** The commands of migrations against the real routes, on a free port of the loopback. */
import type { Environment } from '#apps/drover/env.ts';
import { FAKE_ENV, runFake } from '#apps/drover/client/fake-api.ts';
import { FakeTerminal } from '#apps/drover/fake-terminal.ts';
import { openMigration, type MigrationOptions } from './migration-fixture.ts';

export interface CommandSetting {
  readonly terminal?: FakeTerminal;
  readonly env?: Partial<Environment>;
}

export async function openMigrationCommands(options: MigrationOptions = {}) {
  const server = await openMigration(options);
  const { fake, url } = server;
  const start = (argv: readonly string[], { terminal, env }: CommandSetting = {}) => {
    const stop = new AbortController();
    const run = runFake([...argv, '--server', url], {
      ...{ clock: fake.clock, signal: stop.signal, env: { ...FAKE_ENV, ...env } },
      terminal: terminal ?? new FakeTerminal(),
    });
    return { ...run, stop };
  };
  return {
    ...{ fake, url, start },
    /** To its end. */
    async drover(...argv: readonly string[]) {
      const { exitCode, terminal } = start(argv);
      return { exitCode: await exitCode, out: terminal.out, notes: terminal.notes };
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
