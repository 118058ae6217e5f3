// SPDX-License-Identifier: Apache-2.0
/**
 * What a draft takes from the ledger without writing it. A controller whose ledger is old could show an address that
 * was freed since, or take away one that was given since, and no write of its own would fail; and one whose Services
 * are old could free an address that is being shown again. So what is to be shown, or no longer shown, on the word of
 * the ledger alone is noted here, and is confirmed by a compare-and-swap that gives the ledger a new version.
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { ServiceRequest } from '../service/service-request.ts';

/** Mutable; one per draft. */
export class Reliance {
  readonly #entries = new Map<string, IpAddress>();
  #isOnAbsence = false;

  /** Addresses whose entries must be as they were read. */
  get entries(): Iterable<IpAddress> {
    return this.#entries.values();
  }

  /** Whether it matters that the ledger has no entry of some kind, which every object of it must confirm. */
  get isOnAbsence(): boolean {
    return this.#isOnAbsence;
  }

  /**
   * Notes what follows for the ledger from showing these addresses, where the Service held `held` before the decision.
   */
  note({ shownAddresses }: ServiceRequest, addresses: readonly IpAddress[], held: readonly IpAddress[]): void {
    for (const address of addresses) {
      if (includes(held, address) && !includes(shownAddresses, address)) this.#entries.set(address.toString(), address);
    }
    const isTakenAway = (shown: IpAddress) => !includes(addresses, shown) && !includes(held, shown);
    if (shownAddresses.some(isTakenAway)) this.#isOnAbsence = true;
  }
}

function includes(addresses: readonly IpAddress[], address: IpAddress): boolean {
  return addresses.some((other) => other.equals(address));
}
