// SPDX-License-Identifier: Apache-2.0
/** Last step of a decision: makes Services holders of addresses and takes them off again, in the draft of the table. */
import type { IpAddress } from '../net/ip-address.ts';
import type { ServiceKey } from '../service/kube-service.ts';
import type { ServiceRequest } from '../service/service-request.ts';
import { includesAddress } from '../service/usage.ts';
import { type AddressRecord, type Holder, holderOf, sameTerms } from './address-record.ts';
import type { AllocationTable } from './allocation-table.ts';
import { bytesOf, encodeRecord, holderBytes } from './ledger-entry.ts';
import type { Plan } from './plan.ts';
import { strandedIn } from './pool-catalog.ts';
import { Reliance } from './reliance.ts';
import { termsToRecord } from './sharing.ts';
import { isOfWantedPool, termsOn } from './wishes.ts';

const MAX_NAME_LENGTH = 253;

/** What the draft did for a plan. */
export interface Outcome {
  readonly taken: readonly IpAddress[];
  readonly freed: readonly IpAddress[];
}

export interface Parting {
  readonly record: AddressRecord;
  readonly service: ServiceKey;
  readonly nowMs: number;
  /** Whether the Service is gone for good, or only leaves this address. */
  readonly isGone: boolean;
}

/** Mutable; one per table. */
export class Draft {
  readonly #table: AllocationTable;
  readonly #noteSize: (address: IpAddress, bytes: number) => void;
  #relied = new Reliance();

  /** `noteSize` is called with the bytes of an entry that several Services may share. */
  constructor(table: AllocationTable, noteSize: (address: IpAddress, bytes: number) => void) {
    this.#table = table;
    this.#noteSize = noteSize;
  }

  /** What the draft takes from the ledger as it was read, without a write of its own that would prove it current. */
  get relied(): Reliance {
    return this.#relied;
  }

  /** The draft is stored or dropped; the next one relies on nothing yet. */
  end(): void {
    this.#relied = new Reliance();
  }

  /** Takes the addresses of the plan, and frees the others that the status has ceased to show. */
  carryOut(request: ServiceRequest, { addresses, patientUntilMs }: Plan, nowMs: number): Outcome {
    const { service, shownAddresses } = request;
    const held = this.#table.heldBy(service).map(({ address }) => address);
    this.#relied.note(request, addresses, held);
    // While a clash is borne the ledger keeps the terms that fitted.
    const isToHold = (address: IpAddress) => patientUntilMs === undefined || !includesAddress(held, address);
    const taken = addresses.filter((address) => isToHold(address) && this.hold(request, address));
    const surplus = this.#table.heldBy(service).filter(({ address }) => !includesAddress(addresses, address));
    // Only a status that shows all it is to show is settled: before that, somebody's older patch may still be on its
    // way.
    const isSettled = addresses.every((address) => includesAddress(shownAddresses, address));
    const hidden = surplus.filter(({ address }) => isSettled && !includesAddress(shownAddresses, address));
    const freed = hidden.filter((record) => this.letGo({ record, service, nowMs, isGone: false }));
    return { taken, freed: freed.map(({ address }) => address) };
  }

  /** Makes the Service a holder of the address, or renews what is recorded about it; true when it is a new holder. */
  hold(request: ServiceRequest, address: IpAddress): boolean {
    const record = this.#table.get(address);
    const present = holderOf(record, request.service);
    const next = this.#renewed(request, record, present);
    if (next === present) return false;
    const others = record?.holders ?? [];
    const holders =
      present === undefined ? [...others, next] : others.map((other) => (other === present ? next : other));
    const pool = this.#table.catalog.poolOf(address)?.pool.name ?? record?.pool ?? '';
    const quarantine = record?.quarantine;
    const held = { address, pool, holders, former: undefined, quarantine };
    this.#table.put(address, held);
    if (holders.length > 1 || next.terms !== undefined) this.#noteSize(address, bytesOf(encodeRecord(held)));
    return present === undefined;
  }

  /** Takes the Service off the holders of an address; true when it was the last one. */
  letGo({ record, service, nowMs, isGone }: Parting): boolean {
    const { address, pool, holders, quarantine } = record;
    const others = holders.filter((holder) => holder.service !== service);
    if (others.length > 0) {
      this.#table.put(address, { address, pool, holders: others, former: undefined, quarantine });
      return false;
    }
    const home = this.#table.catalog.poolOf(address);
    const cooldownSeconds = home?.pool.cooldownSeconds ?? 0;
    const restsUntilMs = cooldownSeconds === 0 ? 0 : nowMs + cooldownSeconds * 1000;
    // A Service that lives on elsewhere needs no memory of the address, and one that is in no pool cannot be given
    // back.
    const isRemembered = strandedIn(home, address) === undefined && (isGone || restsUntilMs > 0);
    const former = isRemembered ? { service, restsUntilMs } : undefined;
    const isMore = former !== undefined || quarantine !== undefined;
    this.#table.put(address, isMore ? { address, pool, holders: [], former, quarantine } : undefined);
    return true;
  }

  /** What is to be recorded about a holder; the present entry itself where it says the same. */
  #renewed(request: ServiceRequest, record: AddressRecord | undefined, present: Holder | undefined): Holder {
    const { service, sharing, wantedPool = '' } = request;
    if (present === undefined || record === undefined)
      return { service, poolRequest: boundedName(wantedPool), terms: termsToRecord(sharing) };
    const terms = termsToRecord(termsOn(request, record));
    // Wishes that cannot be read change nothing; a pool that was refused stays a wish to be tried again.
    const isMet = request.refusal === undefined && isOfWantedPool({ request, table: this.#table }, record);
    const poolRequest = isMet ? wantedPool : present.poolRequest;
    if (poolRequest === present.poolRequest && sameTerms(terms, present.terms)) return present;
    const next = { service, poolRequest, terms };
    // What the ledger has no room for is not shared by, and so needs no terms.
    const isRoom = terms === undefined || holderBytes(next) <= this.#table.limitOf(record.address);
    return isRoom ? next : { service, poolRequest, terms: undefined };
  }
}

/** A name that no pool can have is not worth keeping. */
function boundedName(name: string): string {
  return name.length > MAX_NAME_LENGTH ? '' : name;
}
