import { describe } from 'node:test';
import { DIALECTS, openStoresAt, useDatabases } from '#test/contract/databases.ts';
import { itKeepsTellers } from '#test/contract/teller-store.ts';

for (const dialect of DIALECTS) {
  describe(`SqlTellerStore on ${dialect}`, () => {
    const createUrl = useDatabases(dialect);
    itKeepsTellers(async () => openStoresAt(await createUrl()));
  });
}
