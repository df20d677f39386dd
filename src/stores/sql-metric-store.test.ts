import { describe } from 'node:test';
import { DIALECTS, openStoresAt, useDatabases } from '#test/contract/databases.ts';
import { itKeepsMetrics } from '#test/contract/metric-store.ts';
import { SqlMetricStore } from './sql-metric-store.ts';

for (const dialect of DIALECTS) {
  describe(`SqlMetricStore on ${dialect}`, () => {
    const createUrl = useDatabases(dialect);
    itKeepsMetrics(async () => {
      const stores = await openStoresAt(await createUrl());
      const metrics = new SqlMetricStore(stores.database);
      return { metrics, [Symbol.asyncDispose]: () => stores[Symbol.asyncDispose]() };
    });
  });
}
