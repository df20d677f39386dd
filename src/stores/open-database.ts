import { systemClock, type Clock } from '#kernel/clock.ts';
import { DroverError, invalidArgument, systemErrorCode } from '#kernel/errors.ts';
import { silentLog, type Log } from '#kernel/log.ts';
import { Database } from './database.ts';
import type { Connections } from './dialects/dialect.ts';
import { openSqlite } from './dialects/sqlite/connections.ts';
import { migrate } from './migrate.ts';

export interface DatabaseOptions {
  /** `sqlite:PATH` or `postgres://…`. */
  readonly url: string;
  readonly clock?: Clock;
  readonly log?: Log;
}

/** Opens the database and brings its schema up to date. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { url, clock = systemClock, log = silentLog } = options;
  await using stack = new AsyncDisposableStack();
  const connections = stack.use(await openConnections(url, clock, log));
  const database = new Database(connections, clock);
  await migrate(database, clock);
  stack.move();
  return database;
}

async function openConnections(url: string, clock: Clock, log: Log): Promise<Connections> {
  if (/^postgres(ql)?:\/\//.test(url)) {
    // Loaded here: most do without, and it is large.
    const { openPostgres } = await import('./dialects/postgres/connections.ts');
    return openPostgres(url, log);
  }
  const path = /^sqlite:(.+)$/.exec(url)?.[1];
  if (path === undefined) {
    // The text itself may hold a password and is not repeated.
    throw invalidArgument('database', 'must be sqlite:PATH or postgres://USER@HOST/NAME');
  }
  try {
    return await openSqlite(path, clock);
  } catch (thrown) {
    throw new DroverError(
      'unavailable',
      `cannot open the database file ${path}: ${openFailure(thrown)}`,
      { reason: 'DATABASE_UNAVAILABLE', metadata: {}, cause: thrown },
    );
  }
}

function openFailure(thrown: unknown): string {
  switch (systemErrorCode(thrown)) {
    case 'ENOENT':
      return 'its directory does not exist';
    case 'EACCES':
    case 'EPERM':
      return 'this user may not write it';
    default:
      return thrown instanceof Error ? thrown.message : String(thrown);
  }
}
