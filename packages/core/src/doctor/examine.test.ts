// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { parsePoolConfig } from '../config/parse.ts';
import { encodeRecord, entryKeyOf } from '../ipam/ledger-entry.ts';
import { LEDGER_LABEL } from '../ipam/ledger-object.ts';
import { poolDocuments } from '../ipam/testing/builders.ts';
import { IpAddress } from '../net/ip-address.ts';
import { MacAddress } from '../net/mac-address.ts';
import { prefix } from '../net/testing.ts';
import { EXCLUDE_LABEL } from '../placement/eligibility.ts';
import { readCluster } from '../report/cluster-facts.ts';
import type { ClusterObjects, KubeNode } from '../report/objects.ts';
import { SAMPLE_MS, type SampleOptions, sampleCluster } from '../report/testing/sample-cluster.ts';
import { examine } from './examine.ts';
import type { DoctorObjects, KubePod } from './objects.ts';
import { metallbWorkloads, NOTHING_BESIDE, workloadOf } from './testing/beside.ts';

/** A cluster without anything of Berth. */
function bare(options: SampleOptions = {}): ClusterObjects {
  return { ...sampleCluster({ vips: 0, ...options }), leases: [], configMaps: [] };
}

function findings(objects: ClusterObjects, beside: Partial<DoctorObjects> = {}, pools?: string) {
  const config = pools === undefined ? undefined : parsePoolConfig({ 'p.yaml': pools });
  if (config?.ok === false) throw new Error(JSON.stringify(config.problems));
  return examine(readCluster(objects), { ...NOTHING_BESIDE, ...beside }, config?.config).findings;
}

/** Severity, kind and text of each. */
function linesOf(...args: Parameters<typeof findings>): string[] {
  return findings(...args).map(({ severity, kind, text }) => `${severity} ${kind}: ${text}`);
}

function withNodes(objects: ClusterObjects, change: (node: KubeNode) => object): ClusterObjects {
  return { ...objects, nodes: objects.nodes.map((node) => ({ ...node, ...change(node) })) };
}

function pod(name: string, image: string, spec: object = {}): KubePod {
  const component = name.startsWith('speaker') ? 'speaker' : 'other';
  return {
    metadata: { name, namespace: 'berth-system', labels: { 'app.kubernetes.io/component': component } },
    spec: { nodeName: 'edge-1', containers: [{ image }], ...spec },
  };
}

function systemMap(name: string, data: Readonly<Record<string, string>>): Partial<DoctorObjects> {
  return { systemMaps: [{ metadata: { name, namespace: 'kube-system' }, data }] };
}

describe('examine', () => {
  it('DR-01: finds nothing in a cluster that is well', () => {
    expect(linesOf(sampleCluster())).to.deep.equal([]);
  });

  it('DR-01: says before an install that nothing is there, and nothing of what follows from that', () => {
    expect(linesOf(bare())).to.deep.equal(['info not-installed: Berth is not installed in namespace berth-system']);
  });

  it('DR-02: counts the problems of Berth itself, with why and what to do', () => {
    const [first] = findings(sampleCluster({ silent: ['edge-2'] }));
    expect(first).to.deep.include({ kind: 'node-silent', page: 'docs/runbooks/BerthSpeakerMissing.md' });
    for (const finding of findings(sampleCluster({ absent: ['edge-3'], leader: 'gone' })))
      expect(finding.why, finding.kind).to.not.equal('');
  });

  const beside: { name: string; objects: Partial<DoctorObjects>; found: string[] }[] = [
    {
      name: 'MetalLB of its manifests',
      objects: metallbWorkloads(),
      found: ['warning metallb: MetalLB runs in namespace metallb-system and serves the same Services'],
    },
    {
      name: 'MetalLB of another class',
      objects: metallbWorkloads(['--lb-class=metallb']),
      found: [
        'info metallb: MetalLB in metallb-system serves the Services of the class metallb, Berth those of berth.dev/l2',
      ],
    },
    {
      name: 'MetalLB that is stopped',
      objects: {
        daemonSets: metallbWorkloads().daemonSets.map((one) => ({
          ...one,
          status: { observedGeneration: 2, desiredNumberScheduled: 0 },
        })),
        deployments: metallbWorkloads().deployments.map((one) => ({ ...one, spec: { ...one.spec, replicas: 0 } })),
      },
      found: [],
    },
    {
      name: 'MetalLB of its chart, with an image of a registry of its own',
      objects: {
        daemonSets: [
          workloadOf(
            'lb/lb-speaker',
            { image: 'registry.example:5000/mirror/spk@sha256:00' },
            {
              ...{ 'app.kubernetes.io/name': 'metallb', 'app.kubernetes.io/component': 'speaker' },
            },
          ),
        ],
      },
      found: ['warning metallb: MetalLB runs in namespace lb and serves the same Services'],
    },
    {
      name: 'ServiceLB of k3s',
      objects: {
        daemonSets: [
          workloadOf(
            'kube-system/svclb-traefik-1',
            { image: 'rancher/klipper-lb:v0.4.9' },
            {
              'svccontroller.k3s.cattle.io/svcname': 'traefik',
            },
          ),
        ],
      },
      found: ['warning service-lb: ServiceLB of k3s is on and serves 1 Service, traefik first'],
    },
    {
      name: 'kube-vip as a DaemonSet that serves Services',
      objects: {
        daemonSets: [
          workloadOf('kube-system/kube-vip-ds', {
            ...{ image: 'ghcr.io/kube-vip/kube-vip:v1.0.1', env: [{ name: 'svc_enable', value: 'true' }] },
          }),
        ],
      },
      found: ['warning kube-vip: kube-vip serves Services: DaemonSet kube-system/kube-vip-ds'],
    },
    {
      name: 'kube-vip for the API server alone',
      objects: { pods: [pod('kube-vip', 'ghcr.io/kube-vip/kube-vip:v1.0.1')] },
      found: [],
    },
    {
      name: 'Cilium that gives and announces, in place of kube-proxy',
      objects: {
        ...systemMap('cilium-config', { 'kube-proxy-replacement': 'true', 'enable-l2-announcements': 'true' }),
        ciliumPools: [{ metadata: { name: 'blue' } }],
      },
      found: [
        'warning cilium-lb: Cilium announces addresses of Services (l2announcements)',
        'warning cilium-lb: Cilium gives addresses to Services: CiliumLoadBalancerIPPool blue',
        'info bpf-data-plane: Cilium stands in for kube-proxy',
      ],
    },
    {
      name: 'Calico with eBPF and BGP for Services',
      objects: {
        felixConfigurations: [{ metadata: { name: 'default' }, spec: { bpfEnabled: true } }],
        bgpConfigurations: [
          { metadata: { name: 'default' }, spec: { serviceLoadBalancerIPs: [{ cidr: '198.18.0.0/24' }] } },
        ],
      },
      found: [
        'warning bgp-advertises: Calico advertises addresses of Services by BGP: BGPConfiguration default',
        "info bpf-data-plane: Calico's eBPF data plane is on",
      ],
    },
    {
      name: 'kube-proxy in IPVS mode',
      objects: systemMap('kube-proxy', { 'config.conf': 'mode: ipvs\nipvs: { strictARP: false }\n' }),
      found: ['info ipvs-answers: kube-proxy runs in IPVS mode without strictARP'],
    },
    {
      name: 'kube-proxy in IPVS mode with strictARP, and a text that is no YAML',
      objects: {
        systemMaps: [
          { metadata: { name: 'kube-proxy' }, data: { 'config.conf': 'mode: ipvs\nipvs: { strictARP: true }\n' } },
          { metadata: { name: 'cilium-config' }, data: { 'kube-proxy-replacement': '{' } },
        ],
      },
      found: [],
    },
    {
      name: 'a port that is taken',
      objects: {
        pods: [pod('exporter', 'x', { hostNetwork: true, containers: [{ ports: [{ containerPort: 7481 }] }] })],
      },
      found: [
        "warning port-taken: pod berth-system/exporter listens on TCP port 7481 of node edge-1, which is the speaker's",
      ],
    },
    {
      name: 'a host port of the other protocol, and one in a pod of its own network',
      objects: {
        pods: [
          pod('a', 'x', { containers: [{ ports: [{ containerPort: 80, hostPort: 7482 }] }] }),
          pod('b', 'x', { containers: [{ ports: [{ containerPort: 7481 }] }] }),
        ],
      },
      found: [],
    },
    {
      name: 'two versions',
      objects: { pods: [pod('speaker-a', 'berth:1'), pod('speaker-b', 'berth:2')] },
      found: ['warning version-skew: the pods of Berth run 2 images: berth:1, berth:2'],
    },
    {
      name: 'CL-17: an evicted pod of an older version, and a finished one that had a port of the speaker',
      objects: {
        pods: [
          pod('speaker-a', 'berth:2'),
          { ...pod('speaker-b', 'berth:1'), status: { phase: 'Failed' } },
          {
            ...pod('job', 'job:1', { hostNetwork: true, containers: [{ ports: [{ containerPort: 7481 }] }] }),
            status: { phase: 'Succeeded' },
          },
        ],
      },
      found: [],
    },
    {
      name: 'what may not be read',
      objects: { unread: ['deployments', 'pods'] },
      found: ['info not-looked-at: you may not read everything: deployments, pods'],
    },
  ];
  for (const { name, objects, found } of beside)
    it(`DR-03: finds ${name}${found.length === 0 ? ' to be no matter' : ''}`, () => {
      expect(linesOf(sampleCluster(), objects)).to.deep.equal(found);
    });

  it('DR-04: names who wrote the addresses of Services, and who wrote them after Berth', () => {
    const written = (name: string, namespace: string, manager: string, time: string) => ({
      metadata: {
        ...{ name, namespace },
        managedFields: [
          {
            manager: 'berth-controller',
            time: '2026-11-30T09:00:00Z',
            fieldsV1: { 'f:status': { 'f:conditions': {} } },
          },
          { manager, time, fieldsV1: { 'f:status': { 'f:loadBalancer': {} } } },
        ],
      },
    });
    const foreign = {
      metadata: { name: 'old', namespace: 'shop' },
      spec: { type: 'LoadBalancer' },
      status: { loadBalancer: { ingress: [{ ip: '203.0.113.7' }] } },
    };
    const lines = linesOf(sampleCluster({ services: [foreign] }), {
      written: [
        written('old', 'shop', 'controller', '2026-11-30T08:00:00Z'),
        written('s-0', 'ns-0', 'controller', '2026-11-30T08:00:00Z'),
        written('s-1', 'ns-0', 'kube-vip', '2026-11-30T09:30:00Z'),
      ],
    });
    expect(lines).to.deep.equal([
      'critical second-writer: "kube-vip" wrote the addresses of 1 Service after Berth, ns-0/s-1 first, last at 2026-11-30T09:30:00Z',
      'warning other-writer: 1 Service shows what "controller" wrote, shop/old first',
    ]);
    const later = { ...sampleCluster(), nowMs: SAMPLE_MS + 3_600_000 };
    expect(linesOf(later, { written: [written('s-1', 'ns-0', 'kube-vip', '2026-11-30T09:30:00Z')] })).to.include(
      'info second-writer: "kube-vip" wrote the addresses of 1 Service after Berth, ns-0/s-1 first, last at 2026-11-30T09:30:00Z',
    );
  });

  it('DR-14: what is so before a move from another product is no alarm while that serves, and the move is named', () => {
    const service = {
      metadata: { name: 'old', namespace: 'shop' },
      spec: { type: 'LoadBalancer', clusterIPs: ['10.96.0.9'] },
      status: { loadBalancer: { ingress: [{ ip: '203.0.113.7' }] } },
    };
    const fieldsV1 = { 'f:status': { 'f:loadBalancer': {} } };
    const managedFields = [{ manager: 'controller', time: '2026-11-30T08:00:00Z', fieldsV1 }];
    const written = [{ metadata: { name: 'old', namespace: 'shop', managedFields } }];
    const objects = { ...sampleCluster({ vips: 0, services: [service] }), configMaps: [] };
    const about = (beside: Partial<DoctorObjects>) =>
      findings(objects, { written, ...beside })
        .filter(({ kind }) => kind === 'no-configuration' || kind === 'other-writer')
        .map(({ kind, severity, command }) => `${severity} ${kind}: ${command}`);
    expect(about(metallbWorkloads())).to.deep.equal([
      'info no-configuration: kubectl berth migrate metallb',
      'info other-writer: kubectl berth migrate metallb',
    ]);
    const without = [
      'critical no-configuration: kubectl apply -f my-pools.yaml',
      'warning other-writer: kubectl berth preview my-pools.yaml',
    ];
    expect(about({})).to.deep.equal(without);
    expect(about(metallbWorkloads(['--lb-class=metallb']))).to.deep.equal(without);
    const labels = { 'svccontroller.k3s.cattle.io/svcname': 'old' };
    const serviceLb = { daemonSets: [workloadOf('kube-system/svclb-old', {}, labels)] };
    expect(about(serviceLb)[1]).to.equal('info no-configuration: kubectl apply -f my-pools.yaml');
  });

  it('DR-05: finds nodes that are excluded, and says so louder where none is left', () => {
    const exclude = ({ metadata }: KubeNode) => ({ metadata: { ...metadata, labels: { [EXCLUDE_LABEL]: '' } } });
    const one = withNodes(bare(), (node) => (node.metadata.name === 'edge-1' ? exclude(node) : {}));
    expect(linesOf(one)[0]).to.equal(`info node-excluded: node edge-1 has the label ${EXCLUDE_LABEL}`);
    const all = withNodes(bare(), exclude);
    expect(linesOf(all)[0]).to.equal(`critical no-node-left: every node has the label ${EXCLUDE_LABEL}`);
    const env = [{ name: 'EXCLUDE_LABEL', value: 'ignore' }];
    const speaker = workloadOf(
      'berth-system/speaker',
      { image: 'berth', env },
      { 'app.kubernetes.io/component': 'speaker' },
    );
    const ignoring = findings(all, { daemonSets: [speaker] }).map(({ kind }) => kind);
    expect(ignoring).to.not.include('no-node-left');
  });

  it('DR-06: finds kernels without the program by their version, by the word of the speaker where there is one', () => {
    const kernel = (kernelVersion: string) => (objects: ClusterObjects) =>
      withNodes(objects, ({ status }) => ({
        status: { ...status, nodeInfo: { kernelVersion, kubeletVersion: 'v1.33.1+k3s1', operatingSystem: 'linux' } },
      }));
    expect(linesOf(kernel('5.4.0-150-generic')(bare({ nodes: 1 })))).to.include(
      'info no-bpf: node edge-1 has a kernel without the program that answers: 5.4.0-150-generic',
    );
    expect(linesOf(kernel('5.10.0')(bare({ nodes: 1 })))).to.have.length(1);
    const thread = sampleCluster({ states: { 'edge-1': { engine: 'packet-socket' } } });
    expect(linesOf(kernel('6.8.0')(thread))).to.deep.equal([
      'info no-bpf: node edge-1 answers from a thread (kernel 6.8.0)',
    ]);
  });

  it('DR-06: finds a Kubernetes that is too old', () => {
    const old = withNodes(bare({ nodes: 1 }), ({ status }) => ({
      status: { ...status, nodeInfo: { kubeletVersion: 'v1.27.9' } },
    }));
    expect(linesOf(old)[0]).to.equal(
      'warning old-kubernetes: node edge-1 runs Kubernetes v1.27.9; 1.28 is the first that the chart takes',
    );
  });

  const pools: { name: string; addresses: string; found: string[] }[] = [
    { name: 'in the subnet of the nodes', addresses: '192.0.2.240/29', found: [] },
    {
      name: 'in no subnet of a node',
      addresses: '203.0.113.0/28',
      found: [
        'info pool-far-from-nodes: pool lan: 203.0.113.0/28 seems to lie in no subnet of a node: nodes are in 192.0.2.0/24 (no one reports the mask: /24 is assumed)',
      ],
    },
    {
      name: 'of a family that no node has',
      addresses: '2001:db8::/120',
      found: [
        'info pool-far-from-nodes: pool lan: 2001:db8::/120 lies in no subnet of a node: no node has an IPv6 address',
      ],
    },
    {
      name: 'that holds the addresses of nodes',
      addresses: '192.0.2.0/28',
      found: ['warning pool-holds-addresses: pool lan holds 192.0.2.1, an address of node edge-1 (and 2 more)'],
    },
    {
      name: 'that holds cluster IPs',
      addresses: '10.96.1.0/24',
      found: [
        'warning pool-holds-addresses: pool lan holds addresses in the range of Services 10.96.0.0/16',
        'info pool-far-from-nodes: pool lan: 10.96.1.0/24 seems to lie in no subnet of a node: nodes are in 192.0.2.0/24 (no one reports the mask: /24 is assumed)',
      ],
    },
  ];
  for (const { name, addresses, found } of pools)
    it(`DR-07: judges a pool ${name}`, () => {
      const text = poolDocuments({ lan: { addresses: [addresses] } });
      const lines = linesOf(bare(), {}, text).filter((line) => !line.includes('not-installed'));
      expect(lines).to.deep.equal(found);
    });

  it('DR-07: knows the mask of the LAN where Calico writes it', () => {
    const masked = withNodes(bare({ nodes: 1 }), ({ metadata }) => ({
      metadata: { ...metadata, annotations: { 'projectcalico.org/IPv4Address': '192.0.2.1/20' } },
    }));
    const near = poolDocuments({ lan: { addresses: ['192.0.9.0/28'] } });
    expect(linesOf(masked, {}, near)).to.have.length(1);
  });

  describe('DR-13: goes by the subnets that speakers report', () => {
    const reporting = (...subnets: string[]) =>
      sampleCluster({
        nodes: 1,
        vips: 0,
        states: {
          'edge-1': {
            segments: [
              {
                ...{ interface: 'lan0', mac: MacAddress.ZERO, phase: 'active', members: [] },
                subnets: subnets.map(prefix),
              },
            ],
          },
        },
      });
    const cases: { name: string; subnets: string[]; addresses: string; found: string[] }[] = [
      { name: 'a wide one, near', subnets: ['192.0.0.0/16'], addresses: '192.0.9.0/28', found: [] },
      {
        name: 'a narrow one, far',
        subnets: ['192.0.2.0/26'],
        addresses: '192.0.2.200/29',
        found: [
          'info pool-far-from-nodes: pool lan: 192.0.2.200/29 lies in no subnet of a node: nodes are in 192.0.2.0/26',
        ],
      },
      {
        name: 'of a second interface, near',
        subnets: ['192.0.2.0/26', '198.51.100.0/25'],
        addresses: '198.51.100.64/29',
        found: [],
      },
      {
        name: 'none of the address that the node has in the cluster',
        subnets: ['198.51.100.0/25'],
        addresses: '203.0.113.0/28',
        found: [
          'info pool-far-from-nodes: pool lan: 203.0.113.0/28 seems to lie in no subnet of a node: nodes are in 198.51.100.0/25, 192.0.2.0/24 (no one reports the mask: /24 is assumed)',
        ],
      },
    ];
    for (const { name, subnets, addresses, found } of cases)
      it(name, () => {
        const text = poolDocuments({ lan: { addresses: [addresses] } });
        const lines = linesOf(reporting(...subnets), {}, text).filter((line) => line.includes('pool-'));
        expect(lines).to.deep.equal(found);
      });
  });

  it('DR-08: takes two strangers in a pool for the range of a DHCP server, and one for a stranger', () => {
    const ledger = (count: number) => ({
      metadata: { name: 'ledger-1', namespace: 'berth-system', labels: LEDGER_LABEL },
      data: Object.fromEntries(
        Array.from({ length: count }, (_, index) => {
          const address = IpAddress.of('IPv4', 0xc612_0008n + BigInt(index));
          const mac = MacAddress.fromBytes(Uint8Array.of(0, 0, 0x5e, 0, 0x53, 0x80 + index)) ?? MacAddress.ZERO;
          const quarantine = { mac, node: 'edge-1', interface: 'lan0', sinceMs: SAMPLE_MS };
          return [
            entryKeyOf(address),
            encodeRecord({ address, pool: 'lan', holders: [], former: undefined, quarantine }),
          ];
        }),
      ),
    });
    const kinds = (count: number) => findings(sampleCluster({ configMaps: [ledger(count)] })).map(({ kind }) => kind);
    expect(kinds(1)).to.not.include('pool-of-dhcp');
    expect(kinds(2)).to.include('pool-of-dhcp');
  });
});
