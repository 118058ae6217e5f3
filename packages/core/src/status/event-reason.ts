// SPDX-License-Identifier: Apache-2.0
/**
 * Reasons of Events. Kubernetes writes them in PascalCase, and so do we. Those that MetalLB has for the same news keep
 * MetalLB's spelling, since people have alerts and scripts for them: two of these begin with a small letter, and no
 * other reason does.
 */
export const METALLB_REASONS = {
  allocated: 'IPAllocated',
  refused: 'AllocationFailed',
  cleared: 'ClearAssignment',
  announcing: 'nodeAssigned',
  notAnnounceable: 'announceFailed',
} as const;

/** Our own. */
export const EVENT_REASONS = {
  // On Services.
  /** No node announces an address that one did before. */
  notAnnounced: 'NotAnnounced',
  /** The owner alone has no interface any more that policies allow. */
  noUsableInterface: 'NoUsableInterface',
  /** The address lies in no subnet of the node that announces it. */
  outsideSubnet: 'OutsideSubnet',
  /** The status shows what Berth did not give. */
  foreignAddress: 'ForeignAddress',
  /** The Service has annotations that Berth does not read. */
  unreadAnnotation: 'UnreadAnnotation',
  /** Another program writes the status too. */
  secondWriter: 'SecondWriter',
  /** The status could not be written. */
  updateFailed: 'UpdateFailed',
  /** The Service waits for the ledger, which cannot be written. */
  ledgerUnwritable: 'LedgerUnwritable',
  /** A stranger was found to use the address before its first use; also on the ConfigMap of the pools. */
  addressInUse: 'AddressInUse',
  /** A stranger claims an address in use. */
  addressConflict: 'AddressConflict',
  addressConflictEnded: 'AddressConflictEnded',
  /** Another node does not get the one right answer. */
  addressUnreachable: 'AddressUnreachable',
  addressReachable: 'AddressReachable',
  // On Nodes.
  /** Another node of its subnet has not reached it for a minute. */
  nodeNotReached: 'NodeNotReached',
  nodeReached: 'NodeReached',
  /** Another node does not hear its heartbeats while it answers. */
  heartbeatsLost: 'HeartbeatsLost',
  heartbeatsBack: 'HeartbeatsBack',
  /** It hears neither most of the others nor a witness. */
  cutOff: 'CutOff',
  connected: 'Connected',
  /** Nothing can answer on an interface. */
  answererNotAttached: 'AnswererNotAttached',
  /** A thread answers, since the program cannot be attached. */
  answererStandsIn: 'AnswererStandsIn',
  answererAttached: 'AnswererAttached',
  /** The program that answers was detached by somebody else. */
  answererTakenOff: 'AnswererTakenOff',
  /** Another program was attached before it. */
  answererOvertaken: 'AnswererOvertaken',
  /** Another program runs before it and may drop questions. */
  answererBehind: 'AnswererBehind',
  /** The kernel of the node may answer for VIPs of other nodes. */
  kernelAnswersForOthers: 'KernelAnswersForOthers',
  // On ConfigMaps of Berth.
  configurationLoaded: 'ConfigurationLoaded',
  configurationRefused: 'ConfigurationRefused',
  /** The accepted configuration cannot be stored for the speakers. */
  lastGoodUnwritable: 'LastGoodUnwritable',
  quarantineOver: 'QuarantineOver',
  /** The ledger was lost or damaged, and is rebuilt from the statuses. */
  ledgerRebuilt: 'LedgerRebuilt',
  /** The ConfigMap is not Berth's, or of a newer version. */
  historyNotKept: 'HistoryNotKept',
  /** The history could not be read and begins anew. */
  historyDamaged: 'HistoryDamaged',
} as const;

const PASCAL_CASE = /^[A-Z][A-Za-z0-9]*$/;
const OF_METALLB: ReadonlySet<string> = new Set(Object.values(METALLB_REASONS));

/** Whether a reason is spelt as all of ours are. */
export function isEventReason(reason: string): boolean {
  return OF_METALLB.has(reason) || PASCAL_CASE.test(reason);
}
