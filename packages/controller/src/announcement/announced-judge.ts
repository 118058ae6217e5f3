// SPDX-License-Identifier: Apache-2.0
/** What to say about a Service in its condition `berth.dev/Announced`, and how long that has to wait. */
import {
  type AnnouncedFinding,
  announcedFinding,
  EMPTY_POOL_CONFIG,
  type IpAddress,
  type PoolConfig,
  policiesOfVip,
} from '@berth/core';
import type { Service } from '@berth/kube';
import type { Clock } from '@berth/runtime';
import { AnnouncedGrace } from './announced-grace.ts';
import type { ClaimIndex } from './claim-index.ts';

export interface AnnouncedJudgeOptions {
  readonly clock: Clock;
  /** The pools in force. */
  config(): PoolConfig | undefined;
  /** The node whose own address it is; undefined: of none. */
  nodeWith(vip: IpAddress): string | undefined;
}

export class AnnouncedJudge {
  readonly #options: AnnouncedJudgeOptions;
  readonly #claims: ClaimIndex;
  readonly #grace: AnnouncedGrace;

  constructor(options: AnnouncedJudgeOptions, claims: ClaimIndex) {
    this.#options = options;
    this.#claims = claims;
    this.#grace = new AnnouncedGrace(options.clock);
  }

  /** What is so about a Service with these addresses. */
  judge(service: Service, addresses: readonly IpAddress[]): AnnouncedFinding {
    const config = this.#options.config() ?? EMPTY_POOL_CONFIG;
    return announcedFinding(
      addresses.map((vip) => {
        const claims = this.#claims.claimsOn(String(vip));
        return {
          ...{ vip, claims },
          policies: policiesOfVip(service, vip, config),
          node: this.#options.nodeWith(vip),
          contacts: this.#claims.contactsOf(claims),
          obstacles: () => this.#claims.obstaclesTo(String(vip)),
        };
      }),
    );
  }

  /** How long the finding is to wait, in milliseconds, before it is written. */
  waitMs(service: Service, finding: AnnouncedFinding, addresses: readonly IpAddress[]): number {
    const claims = this.#claims;
    return this.#grace.leftMs(service, finding, {
      isProven: () => addresses.every((vip) => claims.isProven(claims.claimsOn(String(vip)))),
      isWaiting: claims.isWaiting,
    });
  }

  /** The Service is gone, or another one has its name. */
  forget(key: string): void {
    this.#grace.forget(key);
  }
}
