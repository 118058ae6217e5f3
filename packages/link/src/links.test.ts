// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { Links } from './links.ts';
import type { NativeLink, PollHandle } from './native.ts';

const NEW_LINK = 16;
const DEL_LINK = 17;
const AF_BRIDGE = 7;

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

/** The end of a reading while which something changed (NLM_F_DUMP_INTR). */
function interrupted(): Uint8Array {
  const message = Buffer.from(done());
  message.writeUInt16LE(0x10, 6);
  return message;
}

/** An error, as a message of its own or at the end of a reading. */
function failed(type: 2 | 3, errno: number): Uint8Array {
  const message = Buffer.alloc(36);
  message.writeUInt32LE(36, 0);
  message.writeUInt16LE(type, 4);
  message.writeInt32LE(-errno, 16);
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

/** The time until a failed reading is begun anew is the system's. */
async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('Links', () => {
  let kernel: FakeKernel;
  let links: Links;
  let changes: number;
  let changed: string[];
  let errors: unknown[];

  beforeEach(() => {
    kernel = new FakeKernel();
    changes = 0;
    changed = [];
    errors = [];
    links = new Links(kernel.native);
    links.failures.subscribe((error) => errors.push(error));
    links.changes.subscribe((names) => {
      changes += 1;
      changed = [...names];
    });
    links.start();
  });

  afterEach(() => links.stop());

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

  it('AT-13: reads again what changed while it was read, and is not ready before', async () => {
    kernel.send(linkMessage(NEW_LINK, 1, 'lo'), interrupted());
    expect(kernel.asked).to.deep.equal(['links', 'links']);
    expect(changes).to.equal(0);
    kernel.send(linkMessage(NEW_LINK, 1, 'lo'), linkMessage(NEW_LINK, 4, 'eth0'), done(), done());
    await links.ready;
    expect(names()).to.deep.equal(['lo', 'eth0']);
  });

  for (const { name, type } of [
    { name: 'in an error', type: 2 },
    { name: 'with an error in its last message', type: 3 },
  ] as const)
    it(`AT-13: reads again when a reading ends ${name}, which it tells once; what is known stays`, async () => {
      kernel.send(linkMessage(NEW_LINK, 4, 'eth0'), done(), done());
      kernel.send(overflow());
      for (let attempt = 0; attempt < 2; attempt++) {
        const asked = kernel.asked.length;
        kernel.send(failed(type, 4));
        expect(names()).to.deep.equal(['eth0']);
        await waitFor(() => kernel.asked.length > asked);
      }
      expect(errors).to.have.length(1);
      kernel.send(linkMessage(NEW_LINK, 5, 'eth1'), done(), done());
      expect(names()).to.deep.equal(['eth1']);
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

  it('NN-03: names the interfaces that changed, one that was renamed by both names', () => {
    kernel.send(linkMessage(NEW_LINK, 4, 'eth0'), done(), done());
    expect(changed).to.deep.equal(['eth0']);
    kernel.send(linkMessage(NEW_LINK, 5, 'veth1'));
    expect(changed).to.deep.equal(['veth1']);
    kernel.send(linkMessage(NEW_LINK, 5, 'lan1'));
    expect(changed).to.deep.equal(['veth1', 'lan1']);
    kernel.send(linkMessage(DEL_LINK, 5, 'lan1'));
    expect(changed).to.deep.equal(['lan1']);
  });

  it('keeps an interface that leaves a bridge, of which the bridge tells as if it were gone', () => {
    kernel.send(linkMessage(NEW_LINK, 4, 'eth0'), done(), done());
    const left = linkMessage(DEL_LINK, 4, 'eth0');
    left[16] = AF_BRIDGE;
    kernel.send(left);
    expect([names(), changes]).to.deep.equal([['eth0'], 1]);
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
