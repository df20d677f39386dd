import { describe } from 'node:test';
import { DIALECTS, openStoresAt, useDatabases } from '#test/contract/databases.ts';
import { itKeepsTokens } from '#test/contract/token-store.ts';
import { MemoryTokenStore } from '#test/memory-token-store.ts';

for (const dialect of DIALECTS) {
  describe(`SqlTokenStore on ${dialect}`, () => {
    const createUrl = useDatabases(dialect);
    itKeepsTokens(async () => openStoresAt(await createUrl()));
  });
}

describe('MemoryTokenStore, which other tests use', () => {
  itKeepsTokens(() =>
    Promise.resolve({
      tokens: new MemoryTokenStore(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
  );
});
