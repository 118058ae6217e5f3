// SPDX-License-Identifier: Apache-2.0
/** ARP frames as hex text, written and read independently of core, so that a test does not believe its own codec. */

export interface ArpFields {
  readonly destination: string;
  readonly source: string;
  readonly operation: 1 | 2 | number;
  readonly senderMac: string;
  readonly senderIp: string;
  readonly targetMac: string;
  readonly targetIp: string;
}

export const BROADCAST = 'ff:ff:ff:ff:ff:ff';
export const NO_MAC = '00:00:00:00:00:00';
export const NO_IP = '0.0.0.0';

/** "Who has `targetIp`, tell `senderIp`", as a broadcast unless changed. */
export function question(mac: string, senderIp: string, targetIp: string, changes: Partial<ArpFields> = {}): string {
  const fields = {
    destination: BROADCAST,
    source: mac,
    operation: 1,
    senderMac: mac,
    senderIp,
    targetMac: NO_MAC,
    targetIp,
  };
  return arpHex({ ...fields, ...changes });
}

export function arpHex(fields: ArpFields): string {
  const { destination, source, operation, senderMac, senderIp, targetMac, targetIp } = fields;
  const fixed = `00010800060400${operation.toString(16).padStart(2, '0')}`;
  return `${macHex(destination)}${macHex(source)}0806${fixed}${macHex(senderMac)}${ipHex(senderIp)}${macHex(targetMac)}${ipHex(targetIp)}`;
}

export function readArp(hex: string): ArpFields {
  return {
    destination: macText(hex.slice(0, 12)),
    source: macText(hex.slice(12, 24)),
    operation: Number.parseInt(hex.slice(40, 44), 16),
    senderMac: macText(hex.slice(44, 56)),
    senderIp: ipText(hex.slice(56, 64)),
    targetMac: macText(hex.slice(64, 76)),
    targetIp: ipText(hex.slice(76, 84)),
  };
}

function macHex(mac: string): string {
  return mac.replaceAll(':', '');
}

function ipHex(ip: string): string {
  return ip
    .split('.')
    .map((byte) => Number(byte).toString(16).padStart(2, '0'))
    .join('');
}

function macText(hex: string): string {
  return hex.replace(/..(?!$)/g, '$&:');
}

function ipText(hex: string): string {
  return (hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)).join('.');
}
