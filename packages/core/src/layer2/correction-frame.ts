// SPDX-License-Identifier: Apache-2.0
/**
 * The frame that tells one neighbour where a VIP is now, without having been asked: a gratuitous ARP reply, or a
 * neighbor advertisement with Override set and Solicited not (RFC 4861, 7.2.6). It changes an entry that is there, and
 * makes none.
 */
import type { IpAddress } from '../net/ip-address.ts';
import type { MacAddress } from '../net/mac-address.ts';
import { ARP_OPERATION, arpFrame } from '../wire/arp.ts';
import { NDP_TYPE, ndpFrame } from '../wire/ndp.ts';

/** A host on the segment; its address is of the VIP's family. */
export interface ToldNeighbor {
  readonly mac: MacAddress;
  readonly ip: IpAddress;
}

export function correctionFrame(vip: IpAddress, mac: MacAddress, to: ToldNeighbor): Uint8Array {
  return vip.family === 'IPv4' ? arpCorrection(vip, mac, to) : ndpCorrection(vip, mac, to);
}

// Gratuitous, or Linux would not believe it within a second of its entry's last change.
function arpCorrection(vip: IpAddress, mac: MacAddress, to: ToldNeighbor): Uint8Array {
  const packet = {
    operation: ARP_OPERATION.REPLY,
    senderHardwareAddr: mac,
    senderProtocolAddr: vip,
    targetHardwareAddr: mac,
    targetProtocolAddr: vip,
  };
  return arpFrame(packet, to.mac);
}

function ndpCorrection(vip: IpAddress, mac: MacAddress, to: ToldNeighbor): Uint8Array {
  const message = {
    type: NDP_TYPE.NEIGHBOR_ADVERTISEMENT,
    router: false,
    solicited: false,
    override: true,
    targetAddress: vip,
    targetLinkLayerAddr: mac,
  } as const;
  return ndpFrame({ source: vip, destination: to.ip, message }, mac, to.mac);
}
