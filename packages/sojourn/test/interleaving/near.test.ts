import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../../src/lifecycle/ports.ts';
import type { SessionRecord } from '../../src/lifecycle/session.ts';
import { created, operation, writing } from '../../src/stores/contract/subject.ts';
import { through } from '../lab.ts';
import { Site } from '../near.ts';
import { type Choose, Exhaustive, Scheduler, seededChoice } from './scheduler.ts';

/** Schedules of more requests than can be tried in every order. */
const schedules = 5000;

type Request = () => Promise<unknown>;

interface Actors {
  /** Reads the session as a request does: from memory, else from the engine, and remembers it. */
  readonly read: Request;
  /** Another process changes it. */
  readonly change: Request;
  readonly end: Request;
  /** This process changes it: from then on it never serves what was before. */
  readonly own: Request;
  /** The time for a beat passes. */
  readonly beat: Request;
}

/** Whatever the order: what is served once the beats have gone on is what the engine has. */
async function play(pick: (actors: Actors) => readonly Request[], choose: Choose, title: string): Promise<void> {
  const scheduler = new Scheduler();
  // An answer has a way of its own to go: what it says may be past when it comes.
  const around = (store: Store): Store =>
    through(scheduler.around(store), async (_name, run) => {
      const answer = await run();
      await scheduler.point('answer');
      return answer;
    });
  const site = new Site({ around });
  const { id } = await created(site.engine, 'u1');
  await site.prove(id);
  let ownVersion = 1;
  const asked = async (): Promise<SessionRecord | null> => site.get(id) ?? site.near.store.find(id);
  const actors: Actors = {
    read: async () => {
      const least = ownVersion;
      const record = await asked();
      assert.ok((record?.version ?? 0) >= least, 'as it was before this process changed it');
    },
    change: async () => {
      await scheduler.point('change');
      const { version } = (await site.engine.find(id)) ?? { version: 0 };
      await site.far.update(id, version, { data: `{"n":${version}}` }, writing());
    },
    end: async () => {
      await scheduler.point('end');
      await site.far.end(id, { reason: 'signed_out', by: 'u1', operation: operation() });
    },
    own: async () => {
      await site.near.store.setPermissions('u1', [operation()], { operation: operation() });
      ownVersion = (await site.engine.find(id))?.version ?? 0;
    },
    beat: async () => {
      await scheduler.point('time');
      site.clock.advance(250);
    },
  };
  try {
    await scheduler.run(pick(actors), choose);
    await site.pass(750);
    const now = await site.engine.find(id);
    assert.deepEqual(site.get(id) ?? now, now);
  } catch (error) {
    throw new Error(`${title}: ${scheduler.trace.join(' ')}`, { cause: error });
  } finally {
    await site.near.store.close();
  }
}

const orders: Readonly<Record<string, (actors: Actors) => readonly Request[]>> = {
  'G3: a fill, an ending elsewhere and a beat': ({ read, end, beat }) => [read, end, beat],
  'G4: a fill, a change elsewhere and a beat': ({ read, change, beat }) => [read, change, beat],
  'G3: a fill, a change of this process and one elsewhere': ({ read, own, change }) => [read, own, change],
};

for (const [name, pick] of Object.entries(orders)) {
  test(`${name}: every order`, async (t) => {
    const every = new Exhaustive();
    let tried = 0;
    do {
      tried += 1;
      await play(pick, every.choose, `${name}, order ${tried}`);
    } while (every.next());
    t.diagnostic(`${tried} orders`);
    assert.ok(tried > 10);
  });
}

test(`G3: fills, changes, beats and an ending: ${schedules} schedules`, async () => {
  const pick = ({ read, change, own, end, beat }: Actors): readonly Request[] => [
    ...[read, read, read, change, own, beat, beat],
    end,
  ];
  for (let seed = 1; seed <= schedules; seed++) await play(pick, seededChoice(seed), `seed ${seed}`);
});
