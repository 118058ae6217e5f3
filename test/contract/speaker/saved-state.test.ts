// SPDX-License-Identifier: Apache-2.0

// Speakers that start while the API server is away: a real one, stopped; what they serve, and what they do not.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secrets } from '@berth/kube';
import { expect } from 'chai';
import { useSpeakers } from '../support/speaker-lab.ts';
import { remains, until } from '../support/until.ts';
import type { SpeakerHost } from './speaker-host.ts';

const PATIENCE_MS = 60_000;
/** Longer than a speaker that takes part listens to its segment before it answers. */
const WHILE_MS = 4_000;

describe('a speaker that starts without an API server', function () {
  this.timeout(240_000);
  const use = useSpeakers();
  let folder: string;
  let host: SpeakerHost;

  const stateFolder = () => join(folder, 'state');
  const stateFile = () => join(stateFolder(), 'state.json');
  const restart = () => host.start(`--state-folder=${stateFolder()}`, `--heartbeat-folder=${folder}`);

  async function end(signal: NodeJS.Signals): Promise<void> {
    host.signal(signal);
    await until(() => expect(host.isRunning).to.equal(false), PATIENCE_MS);
  }

  beforeEach(async () => {
    const { speakers } = use;
    folder = mkdtempSync(join(tmpdir(), 'berth-start-'));
    const { data } = await speakers.client.get(secrets, { namespace: speakers.namespace, name: 'heartbeat' });
    writeFileSync(join(folder, 'current'), Buffer.from(data?.current ?? '', 'base64'));
    const [first] = speakers.hosts;
    if (!first) throw new Error('a host');
    host = first;
    // One speaker alone: what it answers no one else does.
    for (const other of speakers.others(host)) other.signal('SIGTERM');
    await until(
      () => expect(speakers.others(host).filter(({ isRunning }) => isRunning)).to.deep.equal([]),
      PATIENCE_MS,
    );
    await end('SIGTERM');
    restart();
    await until(async () => expect(await host.isReady()).to.equal(true), PATIENCE_MS);
  });

  afterEach(async () => {
    const { lab } = use.speakers;
    await lab.startApiServer();
    await end('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  /** Makes a Service, waits until it is answered and in the file, then kills the speaker and the API server. */
  async function loseBoth(): Promise<{ vip: string; name: string }> {
    const { speakers } = use;
    const vip = speakers.vip();
    const name = await speakers.service([vip]);
    await speakers.isAnsweredBy(vip, host.name);
    await until(() => expect(readFileSync(stateFile(), 'utf8')).to.contain(vip), PATIENCE_MS);
    await speakers.lab.stopApiServer('crash');
    await end('SIGKILL');
    await speakers.isAnsweredBy(vip);
    return { vip, name };
  }

  it('NN-02: answers for what it last knew, and follows the API server as soon as that is back', async () => {
    const { speakers } = use;
    const { vip, name } = await loseBoth();
    restart();
    await speakers.isAnsweredBy(vip, host.name);
    expect(await host.isReady()).to.equal(true);
    await speakers.lab.startApiServer();
    await speakers.delete(name);
    await speakers.isAnsweredBy(vip);
    const next = speakers.vip();
    await speakers.service([next]);
    await speakers.isAnsweredBy(next, host.name);
    await until(
      () => expect(readFileSync(stateFile(), 'utf8')).to.contain(next).and.not.contain(`"${vip}"`),
      PATIENCE_MS,
    );
  });

  const spoilers: [name: string, spoil: (text: string) => string][] = [
    ['cut off', (text) => text.slice(0, text.length / 2)],
    ['of another version', (text) => text.replace('"version":1', '"version":2')],
    ['of another cluster', (text) => text.replace(/"server":"[0-9a-f]{4}/, '"server":"ffff')],
  ];
  for (const [name, spoil] of spoilers) {
    it(`NN-02: answers for nothing by a file that is ${name}, until the API server is there`, async () => {
      const { speakers } = use;
      const { vip } = await loseBoth();
      writeFileSync(stateFile(), spoil(readFileSync(stateFile(), 'utf8')));
      const from = host.log.length;
      restart();
      await until(() => expect(host.log.slice(from)).to.contain('saved state refused'), PATIENCE_MS);
      await remains(async () => expect(await speakers.answerers(vip)).to.deep.equal([]), WHILE_MS);
      await speakers.lab.startApiServer();
      await speakers.isAnsweredBy(vip, host.name);
    });
  }
});
