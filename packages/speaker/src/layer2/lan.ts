// SPDX-License-Identifier: Apache-2.0
/** The LAN's side of the speaker: interfaces, what answers, multicast groups and announcements. */

import type { PoolConfig } from '@berth/core';
import {
  Announcer,
  DefaultRoutes,
  type EngineName,
  Links,
  ListeningAudience,
  openResponder,
  type Responder,
  SolicitedGroups,
} from '@berth/link';
import { errorFields, type Log, type Signal } from '@berth/runtime';
import type { ProcessParts, SpeakerConfig } from '../config.ts';
import type { AttachmentNews } from './attachments.ts';
import { FittingInterfaces } from './fitting-interfaces.ts';
import { type Segment, usedSegments } from './segments.ts';
import { Wire } from './wire.ts';

/** What happened outside of the native thread. */
export interface AnnouncementCounters {
  announced(vip: string, interfaceName: string): void;
  /** A neighbour got a frame of its own about a VIP. */
  corrected(interfaceName: string): void;
  announceFailed(interfaceName: string): void;
}

export interface LanParts extends ProcessParts {
  /** The configuration that is obeyed now: its policies may name interfaces. */
  readonly pools: { readonly config: PoolConfig };
  readonly counters: AnnouncementCounters;
}

export interface Lan {
  /** Interfaces on which VIPs could be answered came, went or have other addresses. */
  readonly linkNews: Signal;
  /** What became of the answerer on a segment. */
  readonly attachmentNews: Signal<[segment: Segment, news: AttachmentNews]>;
  readonly links: Links;
  readonly responder: Responder;
  /** What answers. */
  readonly engine: EngineName;
  readonly announcer: Announcer;
  /** Who may need a frame of its own after a takeover. */
  readonly audience: ListeningAudience;
  readonly wire: Wire;
  readonly defaultRoutes: DefaultRoutes;
  /** The interfaces of this moment on which VIPs could be answered. */
  fitting(): readonly Segment[];
  /** Those of them that a policy could use: there this node takes part. */
  segments(): readonly Segment[];
}

/** Puts the parts together. Nothing is heard or answered yet. */
export function openLan({ config, log, clock, pools, counters }: LanParts): Lan {
  const { responder, engine } = openEngine(config, log);
  const links = new Links();
  links.failures.subscribe((error) => log.error('interfaces cannot be read', errorFields(error)));
  const interfaces = new FittingInterfaces({ links: () => links.list(), excluded: config.excludedInterfaces, clock });
  links.changes.subscribe((names) => interfaces.changed(names));
  const audience = new ListeningAudience({ clock });
  audience.failures.subscribe((error) => log.warn('neighbours are not known', errorFields(error)));
  const defaultRoutes = new DefaultRoutes({ clock });
  defaultRoutes.failures.subscribe((error) => log.warn('default routes are not known', errorFields(error)));
  const announcer = openAnnouncer({ config, log, clock, counters, responder, links, audience });
  const groups = new SolicitedGroups();
  groups.failures.subscribe((group, ifindex, error) =>
    log.warn('multicast group not joined', { group: String(group), ifindex, ...errorFields(error) }),
  );
  const wire = new Wire({ answerer: responder, groups, announcer, clock });
  const fitting = () => interfaces.segments;
  const segments = () => usedSegments(fitting(), pools.config);
  return {
    ...{ linkNews: interfaces.news, attachmentNews: wire.news, links, responder, engine },
    ...{ announcer, audience, wire, defaultRoutes, fitting, segments },
  };
}

// That another engine had to be taken is no error, but a user who wonders about answer times wants to find out.
function openEngine(config: SpeakerConfig, log: Log): { responder: Responder; engine: EngineName } {
  const { responder, engine, refused } = openResponder(config.engine);
  for (const { engine: wanted, obstacle, detail } of refused)
    log.info('engine is not available', { engine: wanted, obstacle, detail });
  log.info('engine chosen', { engine });
  return { responder, engine };
}

interface AnnouncerParts extends ProcessParts {
  readonly counters: AnnouncementCounters;
  readonly responder: Responder;
  readonly links: Links;
  readonly audience: ListeningAudience;
}

function openAnnouncer({ config, log, clock, counters, responder, links, audience }: AnnouncerParts): Announcer {
  const nameOf = (ifindex: number) => links.nameOf(ifindex) ?? String(ifindex);
  const schedule = { refreshMs: config.announceEverySeconds * 1000 };
  const announcer = new Announcer({ sender: responder, clock, random: Math.random, schedule, audience });
  announcer.sent.subscribe((vip, ifindex) => counters.announced(String(vip), nameOf(ifindex)));
  announcer.corrections.subscribe((_vip, ifindex) => counters.corrected(nameOf(ifindex)));
  announcer.failures.subscribe((vip, ifindex, error) => {
    counters.announceFailed(nameOf(ifindex));
    log.warn('announcement not sent', { vip: String(vip), interface: nameOf(ifindex), ...errorFields(error) });
  });
  return announcer;
}
