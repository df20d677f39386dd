import { describe } from 'node:test';
import { DIALECTS, openStoresAt, useDatabases } from '#test/contract/databases.ts';
import { itLeasesAddresses } from '#test/contract/machine-store-addresses.ts';
import { itKeepsIntents } from '#test/contract/machine-store-intents.ts';
import { itListsMachines } from '#test/contract/machine-store-lists.ts';
import { itKeepsMachines, itKeepsQuotas } from '#test/contract/machine-store.ts';

for (const dialect of DIALECTS) {
  describe(`SqlMachineStore on ${dialect}`, () => {
    const createUrl = useDatabases(dialect);
    const open = async () => openStoresAt(await createUrl());
    itKeepsMachines(open);
    itKeepsQuotas(open);
    itListsMachines(open);
    itLeasesAddresses(open);
    itKeepsIntents(open);
  });
}
