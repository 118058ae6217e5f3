// SPDX-License-Identifier: Apache-2.0
/**
 * Asks on the wire about addresses. `probe` finds out whether anybody uses one, before its first use: it executes the
 * state machine of core. `resolve` finds out who answers for one, all of those who do. Needs CAP_NET_RAW.
 */
import {
  type AddressClaim,
  ARP_PROBE_TIMING,
  beginProbe,
  DAD_TIMING,
  type IpAddress,
  type MacAddress,
  type ProbeEvent,
  type ProbeState,
  type ProbeTiming,
  probeFrame,
  stepProbe,
} from '@berth/core';
import type { Clock } from '@berth/runtime';
import type { ClaimReceiver, Listening } from './claim-receiver.ts';

/** How it ended. `failed`: the question could not be asked, so nothing is known. */
export type ProbeResult =
  | { readonly end: 'free' }
  | { readonly end: 'conflict'; readonly claimant: MacAddress }
  | { readonly end: 'failed'; readonly error: unknown };

/** Who answered, each once, in the order of the answers. `failed`: the question could not be asked. */
export type ResolveResult =
  | { readonly end: 'heard'; readonly macs: readonly MacAddress[] }
  | { readonly end: 'failed'; readonly error: unknown };

export interface ResolveRequest {
  readonly candidate: IpAddress;
  readonly ifindex: number;
  /** MAC address of the interface. */
  readonly mac: MacAddress;
}

export interface ProbeRequest extends ResolveRequest {
  /** Default: the times of RFC 5227 or RFC 4862. */
  readonly timing?: ProbeTiming;
}

export interface AddressProberOptions {
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** Whether a MAC address is one of the cluster's: what it says about a candidate is no conflict. */
  isMember(mac: MacAddress): boolean;
  readonly receiver: Pick<ClaimReceiver, 'listen'>;
}

interface Running {
  readonly request: ProbeRequest;
  readonly resolve: (result: ProbeResult) => void;
  state: ProbeState;
  listening: Listening | undefined;
  timer: { cancel(): void } | undefined;
}

const TIMING = { IPv4: ARP_PROBE_TIMING, IPv6: DAD_TIMING } as const;

/** Times of a resolution, in milliseconds: two questions, since a frame may be lost, and a wait for slow answers. */
const RESOLVE = { secondMs: 100, endMs: 400 } as const;

export class AddressProber {
  readonly #options: AddressProberOptions;
  readonly #running = new Set<Running>();

  constructor(options: AddressProberOptions) {
    this.#options = options;
  }

  /** Asks for a candidate on one interface. Many may be asked for at the same time. Never rejects. */
  probe(request: ProbeRequest): Promise<ProbeResult> {
    const { clock } = this.#options;
    const { promise, resolve } = Promise.withResolvers<ProbeResult>();
    const state = beginProbe(this.#context(request), clock.now());
    const running: Running = { request, resolve, state, listening: undefined, timer: undefined };
    this.#running.add(running);
    try {
      running.listening = this.#listen(running);
      this.#arm(running);
    } catch (error) {
      this.#finish(running, { end: 'failed', error });
    }
    return promise;
  }

  /** Asks who has an address, with the question that gives none of this node away. Never rejects. */
  resolve({ candidate, ifindex, mac }: ResolveRequest): Promise<ResolveResult> {
    const { clock, receiver } = this.#options;
    const { promise, resolve } = Promise.withResolvers<ResolveResult>();
    const macs = new Map<string, MacAddress>();
    let listening: Listening | undefined;
    const finish = (result: ResolveResult) => {
      listening?.close();
      resolve(result);
    };
    const ask = () => {
      try {
        listening?.send(probeFrame(candidate, mac));
      } catch (error) {
        finish({ end: 'failed', error });
      }
    };
    const onClaim = (claim: AddressClaim) => {
      if (claim.by === 'holder') macs.set(String(claim.mac), claim.mac);
    };
    const onError = (error: unknown) => finish({ end: 'failed', error });
    try {
      listening = receiver.listen({ address: candidate, ifindex, onClaim, onError });
    } catch (error) {
      onError(error);
      return promise;
    }
    ask();
    clock.after(RESOLVE.secondMs, ask);
    clock.after(RESOLVE.endMs, () => {
      listening?.drain();
      finish({ end: 'heard', macs: [...macs.values()] });
    });
    return promise;
  }

  /** Ends all probes as failed. */
  stop(): void {
    const error = new Error('link: probe: stopped');
    for (const one of [...this.#running]) this.#finish(one, { end: 'failed', error });
  }

  #context({ candidate, timing }: ProbeRequest) {
    return { timing: timing ?? TIMING[candidate.family], random: this.#options.random };
  }

  #listen(running: Running): Listening {
    const { candidate, ifindex, mac } = running.request;
    const isOurs = (one: MacAddress) => one.equals(mac) || this.#options.isMember(one);
    return this.#options.receiver.listen({
      address: candidate,
      ifindex,
      onClaim: (claim, source) => {
        if (!isOurs(claim.mac) && !isOurs(source)) this.#step(running, { type: 'claimed', claimant: claim.mac });
      },
      onError: (error) => this.#finish(running, { end: 'failed', error }),
    });
  }

  #arm(one: Running): void {
    if (!('dueMs' in one.state)) return;
    const { clock } = this.#options;
    const delayMs = Math.max(0, one.state.dueMs - clock.now());
    one.timer = clock.after(delayMs, () => this.#timeIsUp(one));
  }

  // On a busy machine an answer may have arrived in time and not been read yet.
  #timeIsUp(one: Running): void {
    one.listening?.drain();
    if (this.#running.has(one)) this.#step(one, { type: 'time' });
  }

  #step(one: Running, event: ProbeEvent): void {
    one.timer?.cancel();
    const { candidate, mac } = one.request;
    const context = { ...this.#context(one.request), nowMs: this.#options.clock.now() };
    const [state, actions] = stepProbe(one.state, event, context);
    one.state = state;
    try {
      for (const _probe of actions)
        if (one.listening?.send(probeFrame(candidate, mac)) !== true)
          throw new Error('link: probe: send: no room in the queue');
    } catch (error) {
      this.#finish(one, { end: 'failed', error });
      return;
    }
    if (state.phase === 'free') this.#finish(one, { end: 'free' });
    else if (state.phase === 'conflict') this.#finish(one, { end: 'conflict', claimant: state.claimant });
    else this.#arm(one);
  }

  #finish(one: Running, result: ProbeResult): void {
    one.timer?.cancel();
    one.listening?.close();
    this.#running.delete(one);
    one.resolve(result);
  }
}
