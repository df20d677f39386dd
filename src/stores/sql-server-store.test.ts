import { describe } from 'node:test';
import { DIALECTS, openStoresAt, useDatabases } from '#test/contract/databases.ts';
import { itKeepsServers } from '#test/contract/server-store.ts';

for (const dialect of DIALECTS) {
  describe(`SqlServerStore on ${dialect}`, () => {
    const createUrl = useDatabases(dialect);
    itKeepsServers(async () => openStoresAt(await createUrl()));
  });
}
