// SPDX-License-Identifier: Apache-2.0
/**
 * The one place where statuses of Services are patched, whatever for: never more often than the brake allows, and so
 * that Services whose patches take long or fail hold up no others.
 */
import type { ServicePatch } from '@berth/core';
import { type ApiBudget, CallLanes, type CallPriority, type KubeApi, keyOf, type Service, services } from '@berth/kube';
import { type Clock, Signal } from '@berth/runtime';
import type { OtherWriter } from './other-writer.ts';
import { trimService } from './trim.ts';
import { WriteBrake } from './write-brake.ts';

export interface StatusPatcherOptions {
  readonly api: KubeApi;
  /** For patches that go through, and whatever else uses it. */
  readonly budget: ApiBudget;
  readonly clock: Clock;
}

export interface StatusWrite {
  readonly signal: AbortSignal;
  readonly priority?: CallPriority;
  /** Whether a patch that sets right what others changed goes first. */
  readonly yields?: boolean;
  /** Called when the patch may take as long as it likes: no one should wait for it. */
  onSlow?(): void;
}

export class StatusPatcher {
  /** The Service as it is after a patch. */
  readonly patches = new Signal<[patched: Service]>();
  /** Others undo what is written; once for each writing. */
  readonly undone = new Signal<[service: Service, waitMs: number, writers: readonly OtherWriter[]]>();
  readonly #options: StatusPatcherOptions;
  readonly #brake: WriteBrake;
  readonly #lanes: CallLanes;

  constructor(options: StatusPatcherOptions) {
    this.#options = options;
    this.#brake = new WriteBrake(options.clock);
    this.#lanes = new CallLanes({ clock: options.clock, fast: options.budget });
  }

  /** Takes note of a state of a Service that the watch brought. */
  seen(service: Service): void {
    this.#brake.seen(service);
  }

  /**
   * Patches the status; returns 0, or the milliseconds after which it may be tried. Rejects with the KubeError of the
   * call.
   */
  async patch(
    service: Service,
    patch: ServicePatch,
    { onSlow, yields = false, ...write }: StatusWrite,
  ): Promise<number> {
    const { waitMs, isNews, writers } = this.#brake.look(service, patch, { yields });
    if (isNews) this.undone.emit(service, waitMs, writers);
    if (waitMs > 0) return waitMs;
    const ended = this.#brake.sending(service);
    try {
      const patched = trimService(await this.#send(service, patch, { ...write, ...(onSlow && { onSlow }) }));
      this.patches.emit(patched);
      ended(patched);
    } catch (error) {
      ended();
      throw error;
    }
    return 0;
  }

  #send(service: Service, patch: ServicePatch, write: StatusWrite): Promise<Service> {
    const { namespace = '', name, uid } = service.metadata;
    const call = (signal: AbortSignal) =>
      this.#options.api.patch(
        services,
        { namespace, name },
        { type: 'merge', body: patch },
        { subresource: 'status', signal },
      );
    return this.#lanes.run(call, { ...write, key: uid ?? keyOf(service), group: namespace });
  }
}
