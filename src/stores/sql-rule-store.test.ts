import { describe } from 'node:test';
import { DIALECTS, openStoresAt, useDatabases } from '#test/contract/databases.ts';
import { itKeepsRules } from '#test/contract/rule-store.ts';
import { itKeepsSilences } from '#test/contract/silence-store.ts';

for (const dialect of DIALECTS) {
  describe(`SqlRuleStore on ${dialect}`, () => {
    const createUrl = useDatabases(dialect);
    itKeepsRules(async () => openStoresAt(await createUrl()));
    itKeepsSilences(async () => openStoresAt(await createUrl()));
  });
}
