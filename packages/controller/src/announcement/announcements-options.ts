// SPDX-License-Identifier: Apache-2.0
/** What the conditions about announcing need from the controller. */
import type { LoadBalancerClassRule } from '@berth/core';
import type { EventRecorder } from '@berth/kube';
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { StatusPatcher } from '../cluster/status-patcher.ts';
import type { AnnouncedJudgeOptions } from './announced-judge.ts';

export interface AnnouncementsOptions extends AnnouncedJudgeOptions {
  readonly patcher: StatusPatcher;
  readonly view: ClusterView;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly classRule: LoadBalancerClassRule;
}
