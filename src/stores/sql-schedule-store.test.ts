import { describe } from 'node:test';
import { DIALECTS, openStoresAt, useDatabases } from '#test/contract/databases.ts';
import { itKeepsScheduleRuns } from '#test/contract/schedule-run-store.ts';
import { itKeepsSchedules } from '#test/contract/schedule-store.ts';

for (const dialect of DIALECTS) {
  describe(`SqlScheduleStore and SqlScheduleRunStore on ${dialect}`, () => {
    const createUrl = useDatabases(dialect);
    const open = async () => openStoresAt(await createUrl());
    itKeepsSchedules(open);
    itKeepsScheduleRuns(open);
  });
}
