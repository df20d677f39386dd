/**
 * Looks a name up for a socket and gives it only addresses that may be called. What is connected to
 * is what was judged, so a second answer of the name's server changes nothing.
 */
import type { LookupFunction } from 'node:net';
import { refusalOfAddress, type AddressPolicy } from './address-policy.ts';

export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Every address of the name; throws, or answers none, when there are none. */
export type NameResolver = (name: string) => Promise<readonly ResolvedAddress[]>;

/** The policy does not let the URL be called. The message goes on from "the URL". */
export class RefusedAddress extends Error {
  override readonly name = 'RefusedAddress';
  /** What its name stands for, where it has one. */
  readonly address: string | undefined;

  constructor(message: string, address?: string) {
    super(message);
    this.address = address;
  }
}

export function createGuardedLookup(policy: AddressPolicy, resolve: NameResolver): LookupFunction {
  const find = async (name: string) => {
    const found = await resolve(name);
    const allowed = found.filter(({ address }) => refusalOfAddress(address, policy) === undefined);
    const [first] = allowed;
    if (first !== undefined) return { allowed, first };
    const [refused] = found;
    if (refused === undefined) throw Object.assign(new Error('no address'), { code: 'ENOTFOUND' });
    const { address } = refused;
    throw new RefusedAddress(refusalOfAddress(address, policy) ?? 'is refused', address);
  };
  return (name, { all, family }, tell) => {
    find(name).then(
      ({ allowed, first }) => {
        if (all === true) tell(null, [...allowed]);
        else {
          const wanted = allowed.find((one) => one.family === family) ?? first;
          tell(null, wanted.address, wanted.family);
        }
      },
      (error: Error) => tell(error, ''),
    );
  };
}
