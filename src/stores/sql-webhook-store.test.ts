import { describe } from 'node:test';
import { DIALECTS, openStoresAt, useDatabases } from '#test/contract/databases.ts';
import { itKeepsWebhooks } from '#test/contract/webhook-store.ts';

for (const dialect of DIALECTS) {
  describe(`SqlWebhookStore on ${dialect}`, () => {
    const createUrl = useDatabases(dialect);
    itKeepsWebhooks(async () => openStoresAt(await createUrl()));
  });
}
