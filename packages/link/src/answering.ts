// SPDX-License-Identifier: Apache-2.0
/** What answers for VIPs, on which interfaces, and what became of it. */
import type { IpAddress } from '@berth/core';

/** A VIP and the interfaces (by index) on which it is answered; none: a VIP of Berth that others answer for. */
export interface AnsweredRow {
  readonly vip: IpAddress;
  readonly ifindexes: readonly number[];
}

/**
 * What answers: a thread on packet sockets, or a program in the kernel by TCX links (Linux 6.6) or on clsact (older
 * kernels).
 */
export const ENGINES = ['packet-socket', 'kernel', 'kernel-clsact'] as const;
export type EngineName = (typeof ENGINES)[number];

/** How an interface is answered. */
export interface Attachment {
  /** The engine that was opened, or the thread that stands in where its program could not be attached. */
  readonly by: 'engine' | 'thread';
  /** Why the thread stands in; undefined where it does not. */
  readonly refusal: AttachRefusal | undefined;
}

/** What the system said to the engine's program. */
export interface AttachRefusal {
  /** Name of the error, as `EINVAL`. */
  readonly code: string;
  readonly detail: string;
}

/**
 * What became of an attachment: `gone` when somebody took it away or put something else in its place, `behind` when
 * another program is asked first and may take questions away.
 */
export const ATTACHMENT_STATES = ['in-place', 'gone', 'behind'] as const;
export type AttachmentState = (typeof ATTACHMENT_STATES)[number];

/**
 * VIPs for which the table had no room, and what the system said of the first. They are neither answered nor held back.
 */
export interface Shortfall {
  readonly missing: readonly IpAddress[];
  readonly error: Error;
}

/** What became of an announcement. */
export type AnnounceResult = 'sent' | 'fenced' | 'not-attached';
