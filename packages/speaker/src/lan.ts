// SPDX-License-Identifier: Apache-2.0
/** The LAN's side of the speaker: interfaces, what answers, multicast groups and announcements. */

import { errorFields, type Log } from '@berth/daemon';
import { systemClock } from '@berth/kube';
import {
  Announcer,
  type EngineName,
  Links,
  ListeningAudience,
  openResponder,
  type Responder,
  SolicitedGroups,
} from '@berth/link';
import type { SpeakerConfig } from './config.ts';
import type { MetricEvents } from './metrics.ts';
import { fittingSegments, type Segment } from './segments.ts';
import { Wire } from './wire.ts';

/** What the rest of the speaker is told. */
export interface LanEvents {
  linksChanged(): void;
  readonly counters: () => MetricEvents;
}

export interface Lan {
  readonly links: Links;
  readonly responder: Responder;
  /** What answers. */
  readonly engine: EngineName;
  readonly announcer: Announcer;
  /** Who may have to be told of a takeover. */
  readonly audience: ListeningAudience;
  readonly wire: Wire;
  /** The fitting interfaces of this moment. */
  segments(): readonly Segment[];
}

/** Puts the parts together. Nothing is heard or answered yet. */
export function openLan(config: SpeakerConfig, log: Log, events: LanEvents): Lan {
  const { responder, engine } = openEngine(config, log);
  const links = new Links({
    onChange: () => events.linksChanged(),
    onError: (error) => log.error('interfaces cannot be read', errorFields(error)),
  });
  const audience = new ListeningAudience({
    clock: systemClock,
    onFailed: (error) => log.warn('neighbours are not known', errorFields(error)),
  });
  const announcer = openAnnouncer({ config, log, events, responder, links, audience });
  const groups = new SolicitedGroups({
    onFailed: (group, ifindex, error) =>
      log.warn('multicast group not joined', { group: String(group), ifindex, ...errorFields(error) }),
  });
  const wire = new Wire({
    answerer: responder,
    groups,
    announcer,
    onAttachFailed: ({ ifname }, error) =>
      log.error('interface cannot be used', { interface: ifname, ...errorFields(error) }),
  });
  const segments = () => fittingSegments(links.list(), config.excludedInterfaces);
  return { links, responder, engine, announcer, audience, wire, segments };
}

// That another engine had to be taken is no error, but a user who wonders about answer times wants to find out.
function openEngine(config: SpeakerConfig, log: Log): { responder: Responder; engine: EngineName } {
  const { responder, engine, refused } = openResponder(config.engine);
  for (const { engine: wanted, obstacle, detail } of refused)
    log.info('engine cannot be had', { engine: wanted, obstacle, detail });
  log.info('engine chosen', { engine });
  return { responder, engine };
}

interface AnnouncerParts {
  readonly config: SpeakerConfig;
  readonly log: Log;
  readonly events: LanEvents;
  readonly responder: Responder;
  readonly links: Links;
  readonly audience: ListeningAudience;
}

function openAnnouncer({ config, log, events, responder, links, audience }: AnnouncerParts): Announcer {
  const nameOf = (ifindex: number) => links.nameOf(ifindex) ?? String(ifindex);
  return new Announcer({
    sender: responder,
    clock: systemClock,
    random: Math.random,
    schedule: { refreshMs: config.announceEverySeconds * 1000 },
    onSent: (vip, ifindex) => events.counters().announced(String(vip), nameOf(ifindex)),
    audience,
    onCorrected: (_vip, ifindex) => events.counters().corrected(nameOf(ifindex)),
    onFailed: (vip, ifindex, error) => {
      events.counters().announceFailed(nameOf(ifindex));
      log.warn('announcement not sent', { vip: String(vip), interface: nameOf(ifindex), ...errorFields(error) });
    },
  });
}
