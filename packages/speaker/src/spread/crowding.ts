// SPDX-License-Identifier: Apache-2.0
/** The VIPs that the tables in the kernel have no room for: their owners serve them alone until there is. */

/** What had no room is tried again after this time, in milliseconds, or as soon as there are fewer VIPs. */
const ROOM_AGAIN_MS = 120_000;

export class Crowding {
  #vips: ReadonlySet<string> = new Set();
  /** How many VIPs there were when there was no room, and until when fewer are given. */
  #limit = { vips: 0, untilMs: 0 };

  /** Those that are left out, by their texts. */
  get vips(): ReadonlySet<string> {
    return this.#vips;
  }

  /**
   * Leaves the last half out in the order of their texts, so that nodes with the same tables leave out the same ones.
   */
  leaveOut(fitting: readonly string[], vips: number, nowMs: number): void {
    const gone = fitting.toSorted().slice(Math.floor(fitting.length / 2));
    this.#vips = new Set([...this.#vips, ...gone]);
    this.#limit = { vips, untilMs: nowMs + ROOM_AGAIN_MS };
  }

  /** Leaves none out any more, once it is time or there are fewer. Returns whether that was so. */
  tryAll(vips: number, nowMs: number): boolean {
    if (this.#vips.size === 0 || (vips >= this.#limit.vips && nowMs < this.#limit.untilMs)) return false;
    this.#vips = new Set();
    return true;
  }
}
