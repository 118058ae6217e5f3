// SPDX-License-Identifier: Apache-2.0
/** What a frame is for spreading, read in TypeScript from the RFCs: the C code is held to it. */

export const PACKET_KINDS = ['other', 'flow', 'first-fragment', 'fragment', 'error'] as const;

/** Addresses as 32 hex digits, IPv4 mapped into IPv6. Later fragments have no ports. */
export interface ReadPacket {
  readonly kind: (typeof PACKET_KINDS)[number];
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly protocol: number;
  readonly isOpening: boolean;
}

type Outer = {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly rest: Buffer;
  readonly fragment: 'none' | 'first' | 'later';
};

const MAPPED = '00000000000000000000ffff';
const [ICMP, TCP, UDP, ICMPV6, SCTP] = [1, 6, 17, 58, 132];
const MOST_HEADERS = 6;

/** Undefined for what is not spread. */
export function readPacket(frame: Uint8Array): ReadPacket | undefined {
  if (frame.length < 14) return undefined;
  const bytes = Buffer.from(frame);
  const outer = readIp(bytes.subarray(14), bytes.readUInt16BE(12));
  if (!outer) return undefined;
  const { source, destination, protocol, rest, fragment } = outer;
  const base = { source, destination, protocol, sourcePort: 0, destinationPort: 0, isOpening: false };
  if (fragment === 'later') return { ...base, kind: 'fragment' };
  const isIpv6 = bytes.readUInt16BE(12) === 0x86dd;
  if (protocol === (isIpv6 ? ICMPV6 : ICMP)) return fragment === 'none' ? readError(outer, isIpv6) : undefined;
  const ports = readPorts(outer);
  if (!ports || !isWhole(outer)) return undefined;
  return {
    ...base,
    ...ports,
    kind: fragment === 'first' ? 'first-fragment' : 'flow',
    isOpening: opens(protocol, rest),
  };
}

function readIp(bytes: Buffer, etherType: number): Outer | undefined {
  if (etherType === 0x0800) return readIpv4(bytes);
  return etherType === 0x86dd ? readIpv6(bytes) : undefined;
}

function readIpv4(bytes: Buffer): Outer | undefined {
  if (bytes.length < 20 || bytes.readUInt8(0) >> 4 !== 4) return undefined;
  const length = (bytes.readUInt8(0) & 15) * 4;
  if (length < 20) return undefined;
  const offset = bytes.readUInt16BE(6) & 0x1fff;
  const hasMore = (bytes.readUInt16BE(6) & 0x2000) !== 0;
  const first = hasMore ? 'first' : 'none';
  return {
    source: MAPPED + bytes.toString('hex', 12, 16),
    destination: MAPPED + bytes.toString('hex', 16, 20),
    protocol: bytes.readUInt8(9),
    rest: bytes.subarray(length),
    fragment: offset > 0 ? 'later' : first,
  };
}

function readIpv6(bytes: Buffer): Outer | undefined {
  if (bytes.length < 40 || bytes.readUInt8(0) >> 4 !== 6) return undefined;
  let protocol = bytes.readUInt8(6);
  let rest = bytes.subarray(40);
  let fragment: Outer['fragment'] = 'none';
  const isExtension = () => [0, 43, 44, 51, 60].includes(protocol);
  for (let count = 0; isExtension() && fragment !== 'later'; count++) {
    if (count === MOST_HEADERS || rest.length < 8) return undefined;
    const length = { 44: 8, 51: (rest.readUInt8(1) + 2) * 4 }[protocol] ?? (rest.readUInt8(1) + 1) * 8;
    if (protocol === 44) {
      const field = rest.readUInt16BE(2);
      if (field >> 3 > 0) fragment = 'later';
      else fragment = (field & 1) === 1 ? 'first' : 'none';
    }
    protocol = rest.readUInt8(0);
    rest = rest.subarray(length);
  }
  return { source: bytes.toString('hex', 8, 24), destination: bytes.toString('hex', 24, 40), protocol, rest, fragment };
}

function readError({ destination, rest }: Outer, isIpv6: boolean): ReadPacket | undefined {
  if (rest.length === 0) return undefined;
  const errors = isIpv6 ? [1, 2, 3, 4] : [3, 4, 11, 12];
  if (!errors.includes(rest.readUInt8(0))) return undefined;
  const quoted = readIp(rest.subarray(8), isIpv6 ? 0x86dd : 0x0800);
  if (!quoted || quoted.fragment === 'later' || quoted.source !== destination) return undefined;
  const ports = readPorts(quoted);
  if (!ports) return undefined;
  return {
    ...{ kind: 'error', source: quoted.destination, destination, protocol: quoted.protocol, isOpening: false },
    ...{ sourcePort: ports.destinationPort, destinationPort: ports.sourcePort },
  };
}

function readPorts({
  protocol,
  rest,
}: Outer): { readonly sourcePort: number; readonly destinationPort: number } | undefined {
  if (![TCP, UDP, SCTP].includes(protocol) || rest.length < 4) return undefined;
  return { sourcePort: rest.readUInt16BE(0), destinationPort: rest.readUInt16BE(2) };
}

/** Whether there is what tells an opening from the rest. */
function isWhole({ protocol, rest }: Outer): boolean {
  return rest.length > ({ [TCP]: 13, [SCTP]: 12 }[protocol] ?? 3);
}

function opens(protocol: number, rest: Buffer): boolean {
  if (protocol === TCP) return (rest.readUInt8(13) & 0x12) === 0x02;
  return protocol === SCTP && rest.readUInt8(12) === 1;
}
