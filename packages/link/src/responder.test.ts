// SPDX-License-Identifier: Apache-2.0
import { IpAddress, MacAddress } from '@berth/core';
import { expect } from 'chai';
import type { EngineName } from './answering.ts';
import type { NativeLink, ResponderHandle } from './native.ts';
import { Responder } from './responder.ts';

const ETH0 = 4;
const VIP = IpAddress.of('IPv4', 0xc0000207n);
const OTHER = IpAddress.of('IPv4', 0xc0000208n);

function failure(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall}: ${code}`), { code, syscall });
}

/** An addon whose engine the test plays; writes down by what each interface was attached. */
class FakeAddon {
  readonly calls: string[] = [];
  /** What attaching by the engine meets with, and by the thread. */
  engineFails: Error | undefined;
  threadFails: Error | undefined;
  tableFails: Error | undefined;
  missing: readonly IpAddress[] = [];

  readonly native = {
    responderOpen: () => ({}) as ResponderHandle,
    responderAttach: (_handle: unknown, ifindex: number, _mac: unknown, by: 0 | 1) => {
      this.#attach(`attach ${ifindex}`, by);
      return 0;
    },
    responderAttachAgain: (_handle: unknown, slot: number, by: 0 | 1) => this.#attach(`again ${slot}`, by),
    responderDetach: (_handle: unknown, slot: number) => this.calls.push(`detach ${slot}`),
    responderLook: () => 2,
    responderReplace: () => {
      if (this.tableFails) throw this.tableFails;
    },
    responderMissing: () => {
      const bytes = this.missing.flatMap((vip) => [...new Uint8Array(10), 0xff, 0xff, ...vip.toBytes()]);
      return Uint8Array.from(bytes).buffer;
    },
  } as unknown as NativeLink;

  #attach(what: string, by: 0 | 1): void {
    this.calls.push(`${what} by ${by === 0 ? 'engine' : 'thread'}`);
    const error = by === 0 ? this.engineFails : this.threadFails;
    if (error) throw error;
  }
}

describe('Responder', () => {
  let addon: FakeAddon;

  beforeEach(() => {
    addon = new FakeAddon();
  });

  function open(engine: EngineName = 'kernel'): Responder {
    return Responder.open(addon.native, engine);
  }

  it('AT-04: lets the thread stand in where the program cannot be attached, and names the error', () => {
    addon.engineFails = failure('EINVAL', 'rtnetlink(RTM_NEWTFILTER)');
    const responder = open();
    const refusal = { code: 'EINVAL', detail: 'rtnetlink(RTM_NEWTFILTER): EINVAL' };
    expect(responder.attach(ETH0, MacAddress.ZERO)).to.deep.equal({ by: 'thread', refusal });
    expect(responder.canHoldBack(ETH0)).to.equal(false);
    addon.engineFails = undefined;
    expect(responder.attachAgain(ETH0).by).to.equal('engine');
    expect(responder.canHoldBack(ETH0)).to.equal(true);
    expect(addon.calls).to.deep.equal(['attach 4 by engine', 'attach 4 by thread', 'again 0 by engine']);
  });

  it('AT-08: throws where neither can be had, and is not attached then', () => {
    addon.engineFails = failure('EINVAL', 'rtnetlink(RTM_NEWTFILTER)');
    addon.threadFails = failure('ENOMEM', 'mmap');
    const responder = open();
    expect(() => responder.attach(ETH0, MacAddress.ZERO)).to.throw('mmap: ENOMEM');
    expect(responder.attached).to.deep.equal([]);
    expect(responder.look(ETH0)).to.equal('gone');
  });

  it('has nothing else to try where the engine is the thread', () => {
    addon.engineFails = failure('ENODEV', 'bind');
    expect(() => open('packet-socket').attach(ETH0, MacAddress.ZERO)).to.throw('bind: ENODEV');
    expect(addon.calls).to.have.length(1);
  });

  it('AT-02: says what became of an attachment by its word', () => {
    const responder = open();
    responder.attach(ETH0, MacAddress.ZERO);
    expect(responder.look(ETH0)).to.equal('behind');
  });

  it('AT-05: names the VIPs that there was no room for, until there is', () => {
    const responder = open();
    const rows = [VIP, OTHER].map((vip) => ({ vip, ifindexes: [ETH0] }));
    addon.tableFails = failure('E2BIG', 'bpf(BPF_MAP_UPDATE_ELEM)');
    addon.missing = [OTHER];
    responder.replace(rows);
    expect(responder.shortfall?.missing.map(String)).to.deep.equal(['192.0.2.8']);
    expect(responder.shortfall?.error).to.equal(addon.tableFails);
    addon.tableFails = undefined;
    responder.replace(rows);
    expect(responder.shortfall).to.equal(undefined);
  });

  it('AT-05: throws when the table as a whole could not be made: what is in force is not what is wanted', () => {
    const responder = open();
    addon.tableFails = failure('ENOMEM', 'calloc');
    expect(() => responder.replace([{ vip: VIP, ifindexes: [] }])).to.throw('calloc: ENOMEM');
  });
});
