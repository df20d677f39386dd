import { describe } from 'node:test';
import { itKeepsConnections } from '#test/contract/connection-store.ts';
import { DIALECTS, openStoresAt, useDatabases } from '#test/contract/databases.ts';

for (const dialect of DIALECTS) {
  describe(`SqlConnectionStore on ${dialect}`, () => {
    const createUrl = useDatabases(dialect);
    itKeepsConnections(async () => openStoresAt(await createUrl()));
  });
}
