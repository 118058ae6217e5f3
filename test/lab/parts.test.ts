// SPDX-License-Identifier: Apache-2.0

// The lab's small pure parts: what text of the kernel and of other programs means.

import { expect } from 'chai';
import { addressPlan } from './address-plan.ts';
import { aptFraction, installLine, missingPackages } from './debian-packages.ts';
import { formatEnvironment } from './environment.ts';
import { compileFraction } from './go-build.ts';
import { isSpeaker } from './members.ts';
import { namespacesOf } from './network.ts';
import { formatStatus } from './status.ts';
import { mountsBelow } from './tear-down.ts';

describe('namespacesOf', () => {
  it("does not take another lab's namespaces for its own", () => {
    const existing = [
      'berth-a-cp',
      'berth-a-lan',
      'berth-a-b-cp',
      'berth-a-node-12',
      'berth-a-node-x',
      'berth-ab-cp',
      'other',
    ];
    expect(namespacesOf('a', existing)).to.deep.equal(['berth-a-cp', 'berth-a-lan', 'berth-a-node-12']);
  });
});

describe('mountsBelow', () => {
  const mountinfo = [
    '21 1 254:0 / / rw - ext4 /dev/vda rw',
    '30 21 0:5 / /run/berth-lab/a/node-1/x rw - tmpfs tmpfs rw',
    '31 30 0:6 / /run/berth-lab/a/node-1/x/y\\040z rw - overlay overlay rw',
    '32 21 0:7 / /run/berth-lab/ab/node-1 rw - tmpfs tmpfs rw',
  ].join('\n');

  it('lists the innermost first and unescapes blanks', () => {
    expect(mountsBelow(['/run/berth-lab/a'], mountinfo)).to.deep.equal([
      '/run/berth-lab/a/node-1/x/y z',
      '/run/berth-lab/a/node-1/x',
    ]);
  });
});

describe('isSpeaker', () => {
  const cases: [string, boolean][] = [
    ['node /berth/speaker.js --node-name node-1', true],
    ['/usr/bin/node /work/packages/speaker/src/main.ts', true],
    ['node /berth/controller.js', false],
    ['tcpdump -i eth0 -w speaker.pcap', false],
    ['', false],
  ];
  for (const [text, answer] of cases)
    it(`${JSON.stringify(text)}: ${answer}`, () => expect(isSpeaker(text)).to.equal(answer));
});

describe('missingPackages', () => {
  it('finds nothing missing where every file exists', () =>
    expect(missingPackages('everything', () => true)).to.deep.equal([]));

  it('names the package of a program that is in no folder', () => {
    expect(missingPackages('everything', (file) => !/\/s?bin\/nft$/.test(file))).to.deep.equal(['nftables']);
  });

  it('offers one line to run', () => {
    expect(installLine(['nftables', 'runc'])).to.match(
      /^sudo apt-get update && sudo apt-get install .* nftables runc$/,
    );
  });
});

describe('aptFraction', () => {
  const cases: [string, number | undefined][] = [
    ['dlstatus:1:50.0:Retrieving file 1 of 2', 0.25],
    ['pmstatus:runc:0.0:Installing runc', 0.5],
    ['pmstatus:runc:100:Installed runc', 1],
    ['pmerror:runc:10:broken', undefined],
    ['', undefined],
  ];
  for (const [line, fraction] of cases) it(JSON.stringify(line), () => expect(aptFraction(line)).to.equal(fraction));
});

describe('compileFraction', () => {
  it('leaves the last part for linking', () => {
    expect(compileFraction(0, 100)).to.equal(0);
    expect(compileFraction(100, 100)).to.be.within(0.9, 0.99);
    expect(compileFraction(0, 0)).to.equal(compileFraction(120, 100));
  });
});

describe('formatEnvironment', () => {
  it('prints kubeconfig, subnets, pools and namespaces', () => {
    const plan = addressPlan({ index: 0, nodes: 1, family: 'dual', segments: 2 });
    const hosts = plan.hosts.map((host) => host.name);
    const text = formatEnvironment({ kubeconfig: '/k', plan, hosts, namespaceOf: (host) => `berth-lab-${host}` });
    expect(text.split('\n')).to.deep.equal([
      'KUBECONFIG=/k',
      'LAN=172.30.1.0/24',
      'LAN_IPV6=fd00:30:1::/64',
      'LAN_2=172.30.2.0/24',
      'LAN_2_IPV6=fd00:30:2::/64',
      'POOL=172.30.1.200-172.30.1.250',
      'POOL_IPV6=fd00:30:1::200-fd00:30:1::250',
      'NETNS_cp=berth-lab-cp',
      'NETNS_node-1=berth-lab-node-1',
      'NETNS_client=berth-lab-client',
      '',
    ]);
  });
});

describe('formatStatus', () => {
  it('lines its columns up and shows what is empty as -', () => {
    const text = formatStatus([
      {
        host: 'client',
        namespace: 'berth-lab-client',
        addresses: ['172.30.1.3'],
        cable: 'down',
        node: '',
        programs: [],
      },
    ]);
    expect(text).to.equal(
      'HOST    CABLE  NODE  ADDRESSES   NAMESPACE         PROGRAMS\n' +
        'client  down   -     172.30.1.3  berth-lab-client  -\n',
    );
  });
});
