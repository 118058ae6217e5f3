// SPDX-License-Identifier: Apache-2.0
/** The rules of Berth as pure functions and values: no I/O, no clock, no randomness, no logger. */
export * from './compare-text.ts';
export * from './config/advertisement.ts';
export * from './config/applied.ts';
export * from './config/config-file.ts';
export type { ConfigMapContent } from './config/config-keys.ts';
export * from './config/json-schema.ts';
export * from './config/label-selector.ts';
export * from './config/metallb-files.ts';
export * from './config/metallb-join.ts';
export * from './config/metallb-objects.ts';
export { nearestName } from './config/nearest-name.ts';
export { type ParsedPoolConfig, parseConfigMap, parsePoolConfig, type ReadingOptions } from './config/parse.ts';
export * from './config/pool-config.ts';
export * from './config/problem.ts';
export * from './config/yaml-text.ts';
export { type Examination, examine } from './doctor/examine.ts';
export type { Finding } from './doctor/finding.ts';
export type { SurroundingKind } from './doctor/kind.ts';
export * from './doctor/metallb.ts';
export * from './doctor/metallb-plan.ts';
export type * from './doctor/objects.ts';
export { INSTALL_COMMAND, isInstalled, ownController, ownSpeaker } from './doctor/own-installation.ts';
export { argumentOf, containersOf, envOf, hasEnded } from './doctor/workload.ts';
export * from './history/entry.ts';
export * from './history/history-map.ts';
export * from './history/lanes.ts';
export { movedText } from './history/move-words.ts';
export * from './history/node-changes.ts';
export * from './history/record.ts';
export * from './history/time-text.ts';
export type { AddressRecord } from './ipam/address-record.ts';
export * from './ipam/adoption.ts';
export * from './ipam/allocator.ts';
export * from './ipam/decision.ts';
export type { Surroundings } from './ipam/decision-scope.ts';
export * from './ipam/explain.ts';
export { KeyGroups } from './ipam/key-groups.ts';
export { encodeRecord, entryKeyOf } from './ipam/ledger-entry.ts';
export * from './ipam/ledger-object.ts';
export { type Departing, departingOf } from './ipam/live-status.ts';
export * from './ipam/occupants.ts';
export * from './ipam/occupants-of.ts';
export { PoolCatalog } from './ipam/pool-catalog.ts';
export * from './ipam/pool-report.ts';
export * from './ipam/preview.ts';
export * from './ipam/quarantine.ts';
export * from './ipam/quarantine-release.ts';
export { SHARING_GRACE_MS } from './ipam/sharing-patience.ts';
export * from './layer2/address-defence.ts';
export * from './layer2/address-probe.ts';
export * from './layer2/askers.ts';
export * from './layer2/corrected.ts';
export * from './layer2/correction-frame.ts';
export * from './layer2/fitting-interface.ts';
export * from './layer2/frame-budget.ts';
export * from './layer2/gratuitous-schedule.ts';
export * from './layer2/question-frame.ts';
export * from './layer2/respond.ts';
export * from './layer2/respond-ndp.ts';
export * from './layer2/self-test.ts';
export * from './layer2/spare-addresses.ts';
export * from './layer2/vip-table.ts';
export * from './membership/index.ts';
export * from './net/interval-set.ts';
export * from './net/ip-address.ts';
export * from './net/ip-prefix.ts';
export * from './net/ip-range.ts';
export * from './net/mac-address.ts';
export * from './net/parsed.ts';
export * from './node-state/contact-loss.ts';
export * from './node-state/counting-claims.ts';
export * from './node-state/decode.ts';
export * from './node-state/encode.ts';
export * from './node-state/lease-name.ts';
export { type BreakReason, type BrokenMoves, breakText, type MovesState } from './node-state/moves-state.ts';
export type { NodeReport } from './node-state/node-report.ts';
export * from './node-state/node-state.ts';
export * from './node-state/orders.ts';
export {
  ALONE_REASONS,
  type AloneReason,
  type AloneState,
  type ServerState,
  type ServingState,
} from './node-state/serving.ts';
export { type Standing, standingOf } from './node-state/standing.ts';
export { MOVE_CAUSES, type MoveCause, type Moved } from './node-state/succession.ts';
export * from './placement/candidate.ts';
export * from './placement/eligibility.ts';
export * from './placement/orphan-plan.ts';
export * from './placement/rebalance.ts';
export * from './placement/rendezvous.ts';
export * from './placement/usable-endpoint.ts';
export * from './placement/vip-candidates.ts';
export { answeredBy, whyNoOne, whyOwned } from './report/answered-by.ts';
export * from './report/claim-table.ts';
export * from './report/cluster-facts.ts';
export * from './report/cluster-report.ts';
export * from './report/config-facts.ts';
export * from './report/count-text.ts';
export * from './report/explanation.ts';
export type * from './report/model.ts';
export * from './report/moving-vip.ts';
export * from './report/node-obstacle.ts';
export { nodeProblems, notAnsweredRemarks } from './report/node-problems.ts';
export * from './report/node-report.ts';
export type * from './report/objects.ts';
export type * from './report/outlook.ts';
export { problemOf, runbookPaths } from './report/problem.ts';
export * from './report/vip-list.ts';
export { whatIf } from './report/what-if.ts';
export * from './service/annotations.ts';
export * from './service/kube-service.ts';
export * from './service/load-balancer-class.ts';
export * from './service/serve.ts';
export * from './service/service-request.ts';
export * from './service/unread-annotations.ts';
export * from './service/usage.ts';
export * from './service/vip-policies.ts';
export * from './spread/flow-hash.ts';
export { rowsOfMembers } from './spread/own-strays.ts';
export * from './spread/planned-move.ts';
export * from './spread/spread-event.ts';
export * from './spread/spread-rows.ts';
export { byId, isSameMembers, isSameServing, type SetMember, type SpreadSet } from './spread/spread-set.ts';
export {
  initialSpread,
  isSettled,
  type OwnSet,
  type SpreadPeer,
  type SpreadSelf,
  type SpreadState,
  setInForce,
} from './spread/spread-state.ts';
export {
  mayEnd,
  type SpreadStepped,
  stepSpread,
  TICK_MS as SPREAD_TICK_MS,
} from './spread/step-spread.ts';
export { straysInForce } from './spread/strays-in-force.ts';
export { takesPart } from './spread/takes-part.ts';
export * from './status/announced.ts';
export * from './status/announced-before.ts';
export * from './status/decision-events.ts';
export * from './status/disown.ts';
export * from './status/event-reason.ts';
export * from './status/own-marks.ts';
export * from './status/pool-marks.ts';
export * from './status/reachable.ts';
export { bearsMarks, type RemovalOptions, removalPatch } from './status/removal-patch.ts';
export * from './status/served-by.ts';
export { FINALIZER, OUR_CONDITIONS, type ServicePatch } from './status/service-patch.ts';
export * from './status/service-status.ts';
export * from './wire/arp.ts';
export * from './wire/ethernet.ts';
export * from './wire/heartbeat.ts';
export * from './wire/heartbeat-section.ts';
export * from './wire/internet-checksum.ts';
export * from './wire/ipv6.ts';
export * from './wire/ndp.ts';
export * from './wire/ndp-option.ts';
export * from './wire/solicited-node.ts';
export * from './wire/spread-message.ts';
export * from './wire/spread-section.ts';
