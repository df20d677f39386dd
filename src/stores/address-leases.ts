/**
 * Hands out addresses inside the transaction that creates a machine.
 *
 * An address that is asked for is given or refused. Any other is the next free one after the one
 * handed out last, going round at the end of the range: so an address that was just given back
 * rests until the whole range has been through. The search walks the index of what is taken and
 * stops at the first gap.
 */
import type { Transaction } from 'kysely';
import { DroverError } from '#kernel/errors.ts';
import {
  addressToSortKey,
  formatIpAddress,
  parseIpAddress,
  type IpAddress,
  type IpFamily,
} from '#kernel/ip-address.ts';
import type { LeaseRequest } from '#machines/host-network.ts';
import type { AddressLease } from '#machines/machine.ts';
import type { Dialect } from './dialects/dialect.ts';
import type { Schema } from './schema.ts';

/** Most often the very next address is free; a long run of taken ones is read in larger steps. */
const FIRST_STEP = 4;
const LATER_STEP = 1000;

export interface LeaseOrder {
  readonly machineId: string;
  readonly requests: readonly LeaseRequest[];
}

/** The leases, in the order of the requests. */
export async function leaseAddresses(
  trx: Transaction<Schema>,
  dialect: Dialect,
  { machineId, requests }: LeaseOrder,
): Promise<readonly AddressLease[]> {
  await lockNetworks(trx, dialect, requests);
  const leases = new Map<LeaseRequest, AddressLease>();
  // Named addresses first, so that none of them is given to another NIC of the same machine.
  const isNamed = (request: LeaseRequest) => request.address !== undefined;
  for (const request of [
    ...requests.filter(isNamed),
    ...requests.filter((request) => !isNamed(request)),
  ]) {
    const address =
      request.address === undefined
        ? await nextFree(trx, request)
        : await claimNamed(trx, request, request.address);
    await record(trx, address, { machineId, request });
    leases.set(request, leaseOf(request, address));
  }
  return requests.flatMap((request) => leases.get(request) ?? []);
}

function addressTakenError(field: string, address: string): DroverError {
  return new DroverError(
    'already_exists',
    `${field}: the address ${address} is taken already; choose another, or leave it out`,
    { reason: 'ADDRESS_IN_USE', metadata: { field, address } },
  );
}

/** In one order for all, so that two creates never wait for each other crosswise. */
async function lockNetworks(
  trx: Transaction<Schema>,
  dialect: Dialect,
  requests: readonly LeaseRequest[],
): Promise<void> {
  const rows = requests.map(({ network, family }) => ({ network, family, last_address: null }));
  const byKey = new Map(rows.map((row) => [`${row.network}/${row.family}`, row]));
  for (const key of [...byKey.keys()].toSorted()) {
    const row = byKey.get(key);
    if (row === undefined) continue;
    await trx
      .insertInto('address_cursors')
      .values(row)
      .onConflict((conflict) => conflict.columns(['network', 'family']).doNothing())
      .execute();
    if (!dialect.supportsRowLocks) continue;
    await cursorOf(trx, row.network, row.family).forUpdate().execute();
  }
}

function cursorOf(trx: Transaction<Schema>, network: string, family: number) {
  return trx
    .selectFrom('address_cursors')
    .select('last_address')
    .where('network', '=', network)
    .where('family', '=', family);
}

async function claimNamed(
  trx: Transaction<Schema>,
  request: LeaseRequest,
  text: string,
): Promise<IpAddress> {
  const address = parseIpAddress(request.field, text);
  const holder = await trx
    .selectFrom('address_leases')
    .select('machine_id')
    .where('network', '=', request.network)
    .where('address_key', '=', addressToSortKey(address))
    .executeTakeFirst();
  if (holder !== undefined) throw addressTakenError(request.field, formatIpAddress(address));
  return address;
}

async function nextFree(trx: Transaction<Schema>, request: LeaseRequest): Promise<IpAddress> {
  const { family, network } = request;
  const first = parseIpAddress(request.field, request.firstAddress).value;
  const last = parseIpAddress(request.field, request.lastAddress).value;
  const excluded = new Set(
    [...request.excluded, request.gateway].flatMap((text) =>
      text === '' ? [] : [parseIpAddress(request.field, text).value],
    ),
  );
  const cursor = await cursorOf(trx, network, family).executeTakeFirstOrThrow();
  const previous = cursor.last_address && parseIpAddress(request.field, cursor.last_address).value;
  const isInside = typeof previous === 'bigint' && previous >= first && previous < last;
  const start = isInside ? previous + 1n : first;
  const space = { family, network, excluded };
  const found =
    (await firstGap(trx, space, { from: start, to: last })) ??
    (await firstGap(trx, space, { from: first, to: start - 1n }));
  if (found === undefined) throw rangeExhaustedError(request);
  const address = { family, value: found };
  await trx
    .updateTable('address_cursors')
    .set({ last_address: formatIpAddress(address) })
    .where('network', '=', network)
    .where('family', '=', family)
    .execute();
  return address;
}

interface AddressSpace {
  readonly family: IpFamily;
  readonly network: string;
  readonly excluded: ReadonlySet<bigint>;
}

async function firstGap(
  trx: Transaction<Schema>,
  { family, network, excluded }: AddressSpace,
  { from, to }: { readonly from: bigint; readonly to: bigint },
): Promise<bigint | undefined> {
  const keyOf = (value: bigint) => addressToSortKey({ family, value });
  let candidate = from;
  let step = FIRST_STEP;
  for (;;) {
    while (excluded.has(candidate)) candidate += 1n;
    if (candidate > to) return undefined;
    const taken = await trx
      .selectFrom('address_leases')
      .select('address_key')
      .where('network', '=', network)
      .where('address_key', '>=', keyOf(candidate))
      .where('address_key', '<=', keyOf(to))
      .orderBy('address_key')
      .limit(step)
      .execute();
    const keys = new Set(taken.map((row) => row.address_key));
    const seen = taken.length < step ? undefined : taken.at(-1)?.address_key;
    // Beyond the last row read nothing is known, unless there were fewer rows than asked for.
    while (keys.has(keyOf(candidate)) || excluded.has(candidate)) candidate += 1n;
    if (candidate > to) return undefined;
    if (seen === undefined || keyOf(candidate) < seen) return candidate;
    step = LATER_STEP;
  }
}

async function record(
  trx: Transaction<Schema>,
  address: IpAddress,
  { machineId, request }: { readonly machineId: string; readonly request: LeaseRequest },
): Promise<void> {
  const row = {
    network: request.network,
    address_key: addressToSortKey(address),
    address: formatIpAddress(address),
    machine_id: machineId,
    nic_id: request.nicId,
  };
  await trx.insertInto('address_leases').values(row).execute();
}

function leaseOf(request: LeaseRequest, address: IpAddress): AddressLease {
  const { nicId, family, network, prefixLength, gateway } = request;
  return { nicId, family, network, address: formatIpAddress(address), prefixLength, gateway };
}

function rangeExhaustedError(request: LeaseRequest): DroverError {
  const { field, network, firstAddress, lastAddress } = request;
  return new DroverError(
    'resource_exhausted',
    `${field}: no address is free between ${firstAddress} and ${lastAddress}; ` +
      'delete VMs that are not needed, or give the network a larger range',
    { reason: 'ADDRESS_RANGE_EXHAUSTED', metadata: { field, network } },
  );
}
