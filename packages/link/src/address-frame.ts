// SPDX-License-Identifier: Apache-2.0
/**
 * One frame of ARP or neighbor discovery, decoded once: what it says about addresses, and which address it asks for.
 */
import {
  type AddressClaim,
  ARP_OPERATION,
  type Asker,
  arpClaim,
  decodeArp,
  decodeEthernet,
  decodeIpv6,
  decodeNdp,
  ETHER_TYPE,
  type EthernetFrame,
  type IpAddress,
  type IpFamily,
  type MacAddress,
  NDP_TYPE,
  ndpClaim,
} from '@berth/core';

/** EtherType that carries the questions and answers of a family. */
export const PROTOCOL = { IPv4: ETHER_TYPE.ARP, IPv6: ETHER_TYPE.IPV6 } as const;

export interface AddressFrame {
  /** Of the Ethernet header, which may be another than the frame tells. */
  readonly source: MacAddress;
  /** The address that its sender has, if it is an answer: the sender's of ARP, the target of neighbor discovery. */
  readonly subject: IpAddress;
  /** What it says about an address; undefined: nothing. */
  claimOn(address: IpAddress): AddressClaim | undefined;
  /** What it asks for, and who asks; undefined: it is an answer, an announcement or a probe. */
  readonly question: { readonly target: IpAddress; readonly asker: Asker } | undefined;
}

/** Reads a frame with its Ethernet header; undefined: it is none of this family. */
export function decodeAddressFrame(family: IpFamily, bytes: Uint8Array): AddressFrame | undefined {
  const ethernet = decodeEthernet(bytes);
  if (!ethernet.ok) return undefined;
  return family === 'IPv4' ? arpFrameOf(ethernet.frame) : ndpFrameOf(ethernet.frame);
}

function arpFrameOf({ source, payload }: EthernetFrame): AddressFrame | undefined {
  const arp = decodeArp(payload);
  if (!arp.ok) return undefined;
  const { packet } = arp;
  return {
    source,
    subject: packet.senderProtocolAddr,
    claimOn: (address) => arpClaim(packet, address),
    get question() {
      const { senderHardwareAddr: mac, senderProtocolAddr: ip, targetProtocolAddr: target } = packet;
      const isRequest = packet.operation === ARP_OPERATION.REQUEST && ip.value !== 0n && !ip.equals(target);
      return isRequest && isStation(mac) ? { target, asker: { mac, ip } } : undefined;
    },
  };
}

function ndpFrameOf({ source, payload }: EthernetFrame): AddressFrame | undefined {
  const ip = decodeIpv6(payload);
  const ndp = ip.ok ? decodeNdp(ip.packet) : undefined;
  if (!ndp?.ok) return undefined;
  const { packet } = ndp;
  return {
    source,
    subject: packet.message.targetAddress,
    claimOn: (address) => ndpClaim(packet, address, source),
    get question() {
      const { message } = packet;
      if (message.type !== NDP_TYPE.NEIGHBOR_SOLICITATION || packet.source.value === 0n) return undefined;
      const mac = message.sourceLinkLayerAddr ?? source;
      return isStation(mac) ? { target: message.targetAddress, asker: { mac, ip: packet.source } } : undefined;
    },
  };
}

function isStation(mac: MacAddress): boolean {
  return !mac.isZero && !mac.isMulticast;
}
