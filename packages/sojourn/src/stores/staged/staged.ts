import type { Created, Store, Swept } from '../../lifecycle/ports.ts';
import type { SessionRecord } from '../../lifecycle/session.ts';
import { partitionOf } from '../../lifecycle/token.ts';
import * as operations from '../operations.ts';
import { sessionsAtOnce, some, whole } from '../parts.ts';
import { retention } from '../rows.ts';
import { adoptBy } from './adopt.ts';
import { Decisions } from './decisions.ts';
import type { Engine } from './engine.ts';
import type { StagedRows } from './rows.ts';

/** The store port over a networked engine: load, decide, commit. */
export function staged(engine: Engine): Store {
  const { decide, decideEach, decideInParts, decideTogether } = new Decisions(engine);
  return {
    name: engine.name,
    distance: 'network',
    now: () => engine.now(),
    find: (id, tx) => engine.find(id, tx),
    subject: async (subject) => {
      const known = await engine.subject(subject);
      return { ...known, kept: operations.keptNow(known, engine.now()) };
    },
    list: (subject) => engine.list(subject),
    page: (...given) => engine.page(...given),
    subjects: (...given) => engine.subjects(...given),
    events: (...given) => engine.events(...given),
    cursor: () => engine.cursor(),
    beat: (known) => engine.beat(known),
    watch: (changed) => engine.watch(changed),
    listen: (changed) => engine.listen(changed),
    close: () => engine.close(),
    touch: (touches) => engine.touch(touches),

    create(session, options) {
      const { id, subject } = session;
      const create = (rows: StagedRows, now: number): Created => operations.create(rows, now, session, options);
      if (subject === null) {
        const { mostAnonymous: most, replaces } = options;
        const ids = [id, ...(replaces ? [replaces.id] : [])];
        const bounded = (rows: StagedRows, now: number): Created => {
          rows.boundAnonymous(most);
          return create(rows, now);
        };
        return decide({ ids, anonymous: most }, bounded, options);
      }
      return options.replaces
        ? decide({ ids: [id, options.replaces.id], subject }, create, options)
        : decideTogether({ id, subject }, create, options);
    },
    update: (id, version, change, options) =>
      decide({ ids: [id] }, (rows, now) => operations.update(rows, now, id, version, change, options), options),
    end: (id, options) =>
      decide(
        { ids: [id], ...(options.keepData ? { owners: true } : {}) },
        (rows, now) => operations.end(rows, now, id, options),
        options,
      ),
    endAll: (subject, options) =>
      decideInParts(
        { subject, tombstones: true },
        (rows, now) => whole(operations.endAll(rows, now, subject, options), now),
        options,
      ),
    enable: (subject, options) =>
      decide({ subject }, (rows, now) => operations.enable(rows, now, subject, options), options),
    async setPermissions(subject, permissions, options) {
      const set = (rows: StagedRows, now: number): readonly SessionRecord[] =>
        operations.setPermissions(rows, now, subject, permissions, options);
      return (await decideInParts({ subject }, set, options)).length;
    },
    async purge(subject, options) {
      const once = (): Promise<readonly SessionRecord[]> =>
        decideInParts(
          { subject, tombstones: true },
          (rows, now) => whole(operations.purge(rows, now, subject, options), now),
          options,
        );
      const ended = await once();
      // Who signed in again between two parts may have taken over what was still to be erased.
      return ended.length > sessionsAtOnce ? [...ended, ...(await once())] : ended;
    },
    adopt: adoptBy(decideEach),
    // A partition at a time: they have nothing to do with one another.
    async note(notices, asked) {
      for (const those of Map.groupBy(notices, ({ id }) => partitionOf(id)).values()) {
        for (const few of some(those)) {
          const ids = few.map(({ id }) => id);
          await decide({ ids }, (rows, now) => operations.note(rows, now, few, asked), asked);
        }
      }
    },
    async sweep(most, asked) {
      const lap: { expired: Swept['expired'][number][]; unreadable: string[]; removed: number } = {
        expired: [],
        unreadable: [],
        removed: 0,
      };
      let more = true;
      for (let left = most; more && left > 0; ) {
        const due = Math.min(left, sessionsAtOnce);
        const swept = await decide(
          { due },
          (rows, now) => {
            const part = whole(operations.sweep(rows, now, due, asked), now);
            return { ...part, found: rows.due().length, more: part.more || rows.more };
          },
          asked,
        );
        lap.expired.push(...swept.expired);
        lap.unreadable.push(...swept.unreadable);
        lap.removed += swept.removed;
        more = swept.more;
        left -= Math.max(1, swept.found);
      }
      const forgotten = await engine.forget(engine.now() - retention, most);
      return { ...lap, removed: lap.removed + forgotten, more: more || forgotten >= most };
    },
  };
}
