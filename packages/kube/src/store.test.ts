// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { KubeObject } from './object.ts';
import { Store, type StoreEvent } from './store.ts';

function object(name: string, resourceVersion: string, color = 'red'): KubeObject {
  return { metadata: { namespace: 'shop', name, resourceVersion, labels: { color } } };
}

function storeWithEvents(): { store: Store<KubeObject, 'color'>; seen: string[] } {
  const store = new Store<KubeObject, 'color'>({ color: (o) => [o.metadata.labels?.color ?? ''] });
  const seen: string[] = [];
  store.subscribe((event: StoreEvent<KubeObject>) => seen.push(`${event.type} ${event.object.metadata.name}`));
  return { store, seen };
}

describe('Store', () => {
  it('tells additions, updates and deletions', () => {
    const { store, seen } = storeWithEvents();
    store.upsert(object('a', '1'));
    store.upsert(object('a', '2'));
    store.delete(object('a', '3'));
    expect(seen).to.deep.equal(['added a', 'updated a', 'deleted a']);
    expect(store.size).to.equal(0);
  });

  it('tells only the differences of a new list', () => {
    const { store, seen } = storeWithEvents();
    store.replaceAll([object('a', '1'), object('b', '2'), object('c', '3')]);
    seen.length = 0;
    store.replaceAll([object('a', '1'), object('b', '5'), object('d', '6')]);
    expect(seen).to.deep.equal(['updated b', 'added d', 'deleted c']);
  });

  it('RC-03: keeps the newer of two states when the older one comes late', () => {
    const { store, seen } = storeWithEvents();
    store.upsert(object('a', '10', 'blue'));
    store.upsert(object('a', '9', 'red'));
    store.delete(object('a', '8'));
    expect(seen).to.deep.equal(['added a']);
    expect(store.by('color', 'blue')).to.have.length(1);
  });

  it('takes a list at its word even where its versions are older', () => {
    const { store } = storeWithEvents();
    store.upsert(object('a', '10', 'blue'));
    store.replaceAll([object('a', '4', 'green')]);
    expect(store.get('shop/a')?.metadata.labels?.color).to.equal('green');
  });

  it('merges a list beside newer objects', () => {
    const { store } = storeWithEvents();
    store.replaceAll([object('a', '1'), object('b', '2'), object('new', '9'), object('c', '8', 'blue')]);
    store.merge([object('a', '1'), object('c', '5', 'red'), object('d', '4')], '6');
    expect([...store.values()].map((o) => o.metadata.name).sort()).to.deep.equal(['a', 'c', 'd', 'new']);
    expect(store.get('shop/c')?.metadata.labels?.color).to.equal('blue');
  });

  it('moves an object between index values and forgets it on deletion', () => {
    const { store } = storeWithEvents();
    store.upsert(object('a', '1', 'red'));
    store.upsert(object('b', '2', 'red'));
    store.upsert(object('a', '3', 'blue'));
    expect(store.by('color', 'red').map((o) => o.metadata.name)).to.deep.equal(['b']);
    store.delete(object('b', '4'));
    expect(store.by('color', 'red')).to.deep.equal([]);
  });

  it('ends a subscription', () => {
    const store = new Store<KubeObject>();
    let count = 0;
    const end = store.subscribe(() => {
      count += 1;
    });
    store.upsert(object('a', '1'));
    end();
    store.upsert(object('a', '2'));
    expect(count).to.equal(1);
  });
});
