import { describe } from 'node:test';
import { DIALECTS, openStoresAt, useDatabases } from '#test/contract/databases.ts';
import { itKeepsEvents } from '#test/contract/event-log.ts';

for (const dialect of DIALECTS) {
  describe(`SqlEventLog on ${dialect}`, () => {
    const createUrl = useDatabases(dialect);
    itKeepsEvents(async () => openStoresAt(await createUrl()));
  });
}
