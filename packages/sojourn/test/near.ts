import assert from 'node:assert/strict';
import { NearCache } from '../src/cache/cache.ts';
import type { Store } from '../src/lifecycle/ports.ts';
import type { SessionRecord } from '../src/lifecycle/session.ts';
import { created, found } from '../src/stores/contract/subject.ts';
import { memory } from '../src/stores/memory.ts';
import { TestClock } from '../src/testing/clock.ts';
import { systemHash } from '../src/world.ts';
import { Between, settled } from './between.ts';

export interface SiteOptions {
  readonly bytes?: number;
  readonly distance?: 'network' | 'machine';
  /** Between the process that remembers and the engine. */
  readonly around?: (store: Store) => Store;
}

/** A process that remembers, and another (`far`) that writes, on one engine that is reached over a network. */
export class Site {
  readonly clock: TestClock = new TestClock();
  /** What stands between the first process and the engine. */
  readonly between: Between = new Between();
  readonly engine: Store;
  /** How far the engine's clock was ahead, each time that was said. */
  readonly skews: number[] = [];
  readonly near: NearCache;
  readonly far: Store;

  constructor({ bytes = 2 ** 20, distance = 'network', around = (store) => store }: SiteOptions = {}) {
    this.engine = memory({ now: this.clock.now });
    const through = around(this.between.around(this.engine));
    const away =
      distance === 'network'
        ? networked(through)
        : new Proxy(through, { get: (target, name) => (name === 'distance' ? distance : Reflect.get(target, name)) });
    this.near = new NearCache(away, this.clock, systemHash, {
      bound: 1000,
      deadline: 2000,
      bytes,
      skewed: (ahead) => this.skews.push(ahead),
    });
    this.far = this.engine;
  }

  /** What the first process remembers, as a request would ask for it. */
  get(id: string): SessionRecord | null {
    return this.near.get(id)?.record ?? null;
  }

  /** A session that the first process has read and may serve. */
  async known(subject = 'u1'): Promise<string> {
    const { id } = await created(this.engine, subject);
    await this.prove(id);
    // A beat has told of its making.
    await this.pass(300);
    await this.near.store.find(id);
    assert.equal(this.get(id)?.id, id);
    return id;
  }

  async prove(id: string): Promise<void> {
    this.get(id);
    await settled();
  }

  /** A read of the engine as it is, whose answer stays on its way until the one that is answered here is called. */
  async underWay(id: string): Promise<() => Promise<SessionRecord | null>> {
    const stale = await found(this.engine, id);
    const way = Promise.withResolvers<void>();
    this.between.answering('find', async () => {
      await way.promise;
      return stale;
    });
    const reading = this.near.store.find(id);
    await settled();
    return async () => {
      way.resolve();
      return reading;
    };
  }

  /** Time passes, and beats with it. */
  async pass(milliseconds: number): Promise<void> {
    for (let left = milliseconds; left > 0; left -= 50) {
      this.clock.advance(Math.min(50, left));
      await settled();
    }
  }
}

/** The same engine, as over a network: its answers come later. */
export function networked(store: Store): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'distance') return 'network';
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name === 'now' || name === 'watch' || name === 'listen') return value.bind(target);
      return async (...given: unknown[]) => Reflect.apply(value, target, given);
    },
  });
}
