// SPDX-License-Identifier: Apache-2.0
/** Who is on a segment and who owns which VIP there: the public part of the membership protocol. */
export { type Claim, type Claimant, compareClaims } from './claim.ts';
export { claimStrength, isConnected } from './company.ts';
export { type DatagramPeer, type DatagramPlan, type DatagramTarget, planDatagrams } from './datagram-plan.ts';
export type * from './event.ts';
export {
  afterSending,
  beforeSending,
  CLOSED_FENCE,
  type Fence,
  held,
  mayAnswer,
  released,
  renewed,
} from './fence.ts';
export { type FrameSender, senderProblem } from './identity.ts';
export { initialMembership, type MembershipOptions } from './initial-state.ts';
export * from './intake.ts';
export { HEARTBEAT_SECRET, type KeyRing, signingKeyId } from './key-choice.ts';
export { deadAtMs, isDeaf, lastSignMs, type Member } from './member.ts';
export { nextTickMs } from './next-tick.ts';
export { type AnsweringMember, answeringMembers, cutOffSinceMs, isUnsteady, weakClaims } from './outlook.ts';
export { ownerOf, type VipOwner } from './owner.ts';
export {
  currentPaceMs,
  type Identity,
  type MembershipState,
  type OwnClaim,
  type Rebalancing,
} from './state.ts';
export { type Stepped, stepMembership } from './step.ts';
export { type Timing, type TimingOptions, timingOf } from './timing.ts';
export { countersHeard } from './turn.ts';
export {
  type ExpectedPeer,
  planUnicast,
  TRANSPORTS,
  type Transport,
  transportOf,
  type UnicastPlan,
} from './unicast.ts';
