// SPDX-License-Identifier: Apache-2.0
/** The LAN's side of the speaker: interfaces, the answering thread with its fence, and announcements. */

import { errorFields, type Log } from '@berth/daemon';
import { systemClock } from '@berth/kube';
import { Announcer, Links, Responder } from '@berth/link';
import type { SpeakerConfig } from './config.ts';
import { Fence } from './fence.ts';
import type { MetricEvents } from './metrics.ts';
import { fittingSegments, type Segment } from './segments.ts';
import { Wire } from './wire.ts';

/** What the rest of the speaker is told. */
export interface LanEvents {
  linksChanged(): void;
  fenceExpired(): void;
  readonly counters: () => MetricEvents;
}

export interface Lan {
  readonly links: Links;
  readonly responder: Responder;
  readonly announcer: Announcer;
  readonly wire: Wire;
  readonly fence: Fence;
  /** The fitting interfaces of this moment. */
  segments(): readonly Segment[];
}

/** Puts the parts together. The thread runs, but hears and answers nothing yet. */
export function openLan(config: SpeakerConfig, log: Log, events: LanEvents): Lan {
  const responder = Responder.open();
  const links = new Links({
    onChange: () => events.linksChanged(),
    onError: (error) => log.error('interfaces cannot be read', errorFields(error)),
  });
  const announcer = openAnnouncer({ config, log, events, responder, links });
  const wire = new Wire({
    answerer: responder,
    announcer,
    onAttachFailed: ({ ifname }, error) =>
      log.error('interface cannot be used', { interface: ifname, ...errorFields(error) }),
  });
  const fence = new Fence({
    thread: responder,
    clock: systemClock,
    fenceMs: config.fenceMs,
    renewEveryMs: config.renewEveryMs,
    onExpired: () => {
      log.warn('fence ran out: silent until the cluster was read again', { fenceMs: config.fenceMs });
      events.fenceExpired();
    },
  });
  const segments = () => fittingSegments(links.list(), 'IPv4', config.excludedInterfaces);
  return { links, responder, announcer, wire, fence, segments };
}

interface AnnouncerParts {
  readonly config: SpeakerConfig;
  readonly log: Log;
  readonly events: LanEvents;
  readonly responder: Responder;
  readonly links: Links;
}

function openAnnouncer({ config, log, events, responder, links }: AnnouncerParts): Announcer {
  const nameOf = (ifindex: number) => links.list().find((link) => link.index === ifindex)?.name ?? String(ifindex);
  return new Announcer({
    sender: responder,
    clock: systemClock,
    random: Math.random,
    schedule: { refreshMs: config.announceEverySeconds * 1000 },
    onSent: (vip, ifindex) => events.counters().announced(String(vip), nameOf(ifindex)),
    onFailed: (vip, ifindex, error) => {
      events.counters().announceFailed(nameOf(ifindex));
      log.warn('announcement not sent', { vip: String(vip), interface: nameOf(ifindex), ...errorFields(error) });
    },
  });
}
