import { machinesAndEvents } from './0001-machines-and-events.ts';
import type { Migration } from './migration.ts';

/** In order of version, without gaps. */
export const MIGRATIONS: readonly Migration[] = [machinesAndEvents];
