// SPDX-License-Identifier: Apache-2.0
/**
 * The question "who answers for this address?" that a node asks about a VIP or a witness, to everybody or to one
 * station alone. It says nothing but the truth about its sender, so no neighbour cache learns anything wrong from it.
 *
 * Its sender is an address of the node, as in the questions of every host (RFC 826; RFC 4861, 4.3). A probe (RFC 5227,
 * 2.1.1; RFC 4862, 5.4.2) would do harm: a host that looks at that moment whether it may use the very address takes a
 * probe of another for a rival's and gives up, a gateway that boots among them. Only an interface without an address of
 * the family has to ask so.
 */
import type { IpAddress } from '../net/ip-address.ts';
import { MacAddress } from '../net/mac-address.ts';
import { ARP_OPERATION, arpFrame } from '../wire/arp.ts';
import { NDP_TYPE, ndpFrame } from '../wire/ndp.ts';
import { solicitedNodeGroup } from '../wire/solicited-node.ts';
import { probeFrame } from './address-probe.ts';

/** Where the destination of a frame is. */
const DESTINATION_AT = 0;

/** Who asks. */
export interface Questioner {
  readonly mac: MacAddress;
  /** An address of the interface, of the family that is asked for. Undefined: it has none. */
  readonly ip: IpAddress | undefined;
}

/** The frame, to one station or (undefined) to everybody. */
export function questionFrame(target: IpAddress, { mac, ip }: Questioner, station?: MacAddress): Uint8Array {
  if (ip === undefined) return anonymous(target, mac, station);
  return target.family === 'IPv4'
    ? arpFrame(
        {
          operation: ARP_OPERATION.REQUEST,
          senderHardwareAddr: mac,
          senderProtocolAddr: ip,
          targetHardwareAddr: MacAddress.ZERO,
          targetProtocolAddr: target,
        },
        station ?? MacAddress.BROADCAST,
      )
    : solicitation(target, { mac, ip }, station);
}

// To one station it goes as neighbor unreachability detection asks (RFC 4861, 7.3.3).
function solicitation(target: IpAddress, from: { mac: MacAddress; ip: IpAddress }, station?: MacAddress): Uint8Array {
  const destination = station ? target : solicitedNodeGroup(target);
  const message = {
    type: NDP_TYPE.NEIGHBOR_SOLICITATION,
    targetAddress: target,
    sourceLinkLayerAddr: from.mac,
  } as const;
  return ndpFrame({ source: from.ip, destination, message }, from.mac, station ?? MacAddress.BROADCAST);
}

function anonymous(target: IpAddress, mac: MacAddress, station?: MacAddress): Uint8Array {
  const frame = probeFrame(target, mac);
  if (station) frame.set(station.toBytes(), DESTINATION_AT);
  return frame;
}
