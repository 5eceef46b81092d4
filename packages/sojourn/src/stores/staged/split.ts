import { sessionsAtOnce } from '../parts.ts';
import type { Stage } from './engine.ts';

/** So many characters of data make as much work as another session. */
const dataOfSession = 4000;

/** Some of a decision's sessions with what is told of them. */
export interface PartOfStage {
  readonly stage: Stage;
  readonly ids: ReadonlySet<string>;
}

/**
 * A decision about the sessions of one subject, as decisions about a few of them each. What becomes of the
 * subject itself goes with the first: from then on, who was checked before is refused. The past is erased
 * with the last, when nothing is added to it any more.
 */
export function split(stage: Stage): readonly PartOfStage[] {
  const parts = batches(stage);
  return parts.map((ids, part) => {
    const first = part === 0;
    const last = part === parts.length - 1;
    const whole = { subject: first ? stage.subject : null, erase: last ? stage.erase : null };
    return { ids, stage: { ...about(ids, stage), ...whole } };
  });
}

/** The ids of all sessions that it reads or changes, in turn; of none, one batch. */
function batches({ guards, replace, bury, defer, counts }: Stage): readonly ReadonlySet<string>[] {
  const changed = [...counts.values()].flatMap((count) => count.changed);
  const data = new Map(replace.map((record) => [record.id, record.data.length]));
  const found: Set<string>[] = [];
  let work = Number.POSITIVE_INFINITY;
  for (const id of new Set([...guards.map((guard) => guard.id), ...bury.keys(), ...defer.keys(), ...changed])) {
    const more = 1 + Math.floor((data.get(id) ?? 0) / dataOfSession);
    work += more;
    if (work > sessionsAtOnce) {
      found.push(new Set());
      work = more;
    }
    found.at(-1)?.add(id);
  }
  return found.length > 0 ? found : [new Set()];
}

/** What a decision does to some of its sessions. */
export function about(ids: ReadonlySet<string>, stage: Stage): Stage {
  const here = (id: string): boolean => ids.has(id);
  const counts: [number, { changed: string[]; anonymous: number }][] = [];
  const numbers = new Map<number, number[]>();
  // Of one subject, unless a visitor's session is all that there is.
  const visitor = stage.insert.some(({ id }) => here(id));
  for (const [partition, { changed, anonymous }] of stage.counts) {
    const some = changed.filter(here);
    if (some.length > 0) counts.push([partition, { changed: some, anonymous: visitor ? anonymous : 0 }]);
    let taken = 0;
    numbers.set(
      partition,
      changed.map((id) => (here(id) ? ++taken : 0)),
    );
  }
  return {
    ...stage,
    ...ofSessions(stage, here),
    counts: new Map(counts),
    events: stage.events.flatMap((told) => {
      const number = numbers.get(told.partition)?.[told.number - 1] ?? 0;
      return number === 0 ? [] : [{ ...told, number }];
    }),
  };
}

/** What a decision does to the sessions that are `here`. What is counted and told is divided by who asks. */
export function ofSessions(
  { guards, insert, replace, remove, bury, defer }: Stage,
  here: (id: string) => boolean,
): Pick<Stage, 'guards' | 'insert' | 'replace' | 'remove' | 'bury' | 'defer'> {
  const own = <T>(map: ReadonlyMap<string, T>): Map<string, T> => new Map([...map].filter(([id]) => here(id)));
  return {
    guards: guards.filter(({ id }) => here(id)),
    insert: insert.filter(({ id }) => here(id)),
    replace: replace.filter(({ id }) => here(id)),
    remove: remove.filter(here),
    bury: own(bury),
    defer: own(defer),
  };
}
