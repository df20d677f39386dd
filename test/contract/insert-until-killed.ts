/** A program that creates machines until it is killed, and prints each id once it is stored. */
import { openStoresAt } from '#test/contract/databases.ts';
import { leaseRequest, newMachine } from '#test/contract/store-fixtures.ts';

const { machines } = await openStoresAt(process.argv[2] ?? '');
const leases = [leaseRequest({ lastAddress: '10.1.255.255' })];
for (let count = 0; ; count += 1) {
  const { id } = await machines.insert(newMachine(`m${count}`, { leases }));
  process.stdout.write(`${id}\n`);
}
