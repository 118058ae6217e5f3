// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { Links } from './links.ts';
import type { NativeLink, PollHandle } from './native.ts';

const NEW_LINK = 16;
const DEL_LINK = 17;

/** A message about an interface, as in rtnetlink.test.ts. */
function linkMessage(type: number, index: number, name: string): Uint8Array {
  const padded = `${name}\0`.padEnd(8, '\0');
  const message = Buffer.alloc(16 + 16 + 12);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(1, 18);
  message.writeInt32LE(index, 20);
  message.writeUInt16LE(4 + name.length + 1, 32);
  message.writeUInt16LE(3, 34);
  message.write(padded, 36, 'latin1');
  return message;
}

function done(): Uint8Array {
  const message = Buffer.alloc(20);
  message.writeUInt32LE(20, 0);
  message.writeUInt16LE(3, 4);
  return message;
}

function overflow(): Error {
  return Object.assign(new Error('recvmmsg: ENOBUFS'), { code: 'ENOBUFS' });
}

/** A kernel that is played by the test: what it sends, what it was asked. */
class FakeKernel {
  readonly asked: string[] = [];
  readonly #queue: (Uint8Array | Error)[] = [];
  #onReadable: () => void = () => {};

  readonly native = {
    socketOpen: () => 3,
    socketSetOption: () => {},
    socketBind: () => {},
    socketClose: () => {},
    socketSend: (_fd: number, request: Uint8Array) => {
      this.asked.push(request[4] === 18 ? 'links' : 'addresses');
      return true;
    },
    pollStart: (_fd: number, onReadable: () => void) => {
      this.#onReadable = onReadable;
      return {} as PollHandle;
    },
    pollStop: () => {},
    socketReceive: (_fd: number, slab: Uint8Array, _slot: number, _addresses: Uint8Array, lengths: Uint32Array) => {
      const next = this.#queue.shift();
      if (next instanceof Error) throw next;
      if (!next) return 0;
      slab.set(next);
      lengths[0] = next.length;
      return 1;
    },
  } as unknown as NativeLink;

  send(...datagrams: (Uint8Array | Error)[]): void {
    for (const datagram of datagrams) {
      this.#queue.push(datagram);
      this.#onReadable();
    }
  }
}

describe('Links', () => {
  let kernel: FakeKernel;
  let links: Links;
  let changes: number;

  beforeEach(() => {
    kernel = new FakeKernel();
    changes = 0;
    const onError = (error: unknown) => {
      throw error;
    };
    links = new Links({ onChange: () => changes++, onError }, kernel.native);
    links.start();
  });

  function names(): string[] {
    return links.list().map((link) => link.name);
  }

  it('reads interfaces, then addresses, and tells once when both are complete', async () => {
    kernel.send(linkMessage(NEW_LINK, 1, 'lo'), linkMessage(NEW_LINK, 4, 'eth0'));
    expect(changes).to.equal(0);
    kernel.send(done());
    expect(kernel.asked).to.deep.equal(['links', 'addresses']);
    kernel.send(done());
    await links.ready;
    expect(changes).to.equal(1);
    expect(names()).to.deep.equal(['lo', 'eth0']);
  });

  it('follows events', () => {
    kernel.send(done(), done());
    kernel.send(linkMessage(NEW_LINK, 5, 'eth1'));
    expect(names()).to.deep.equal(['eth1']);
    kernel.send(linkMessage(NEW_LINK, 5, 'lan1'));
    expect(names()).to.deep.equal(['lan1']);
    kernel.send(linkMessage(DEL_LINK, 5, 'lan1'));
    expect(names()).to.deep.equal([]);
  });

  it('reads everything again when events were lost, and forgets what went meanwhile', () => {
    kernel.send(linkMessage(NEW_LINK, 1, 'lo'), linkMessage(NEW_LINK, 4, 'eth0'), done(), done());
    kernel.send(overflow());
    expect(kernel.asked).to.deep.equal(['links', 'addresses', 'links']);
    expect(names()).to.deep.equal(['lo', 'eth0']);
    kernel.send(linkMessage(NEW_LINK, 1, 'lo'), done(), done());
    expect(names()).to.deep.equal(['lo']);
  });

  it('begins again only when a reading has ended that events were lost of', () => {
    kernel.send(linkMessage(NEW_LINK, 1, 'lo'), overflow(), linkMessage(NEW_LINK, 4, 'eth0'));
    expect(kernel.asked).to.deep.equal(['links']);
    kernel.send(done());
    expect([kernel.asked, changes]).to.deep.equal([['links', 'links'], 0]);
    kernel.send(linkMessage(NEW_LINK, 4, 'eth0'), done(), done());
    expect([names(), changes]).to.deep.equal([['eth0'], 1]);
  });
});
