import { isLive, type SessionRecord } from '../../lifecycle/session.ts';
import { partitionOf } from '../../lifecycle/token.ts';
import { endOne } from '../operations/endings.ts';
import { readable } from '../operations/readable.ts';
import type { Rows } from '../rows.ts';
import { type DecidedOn, Decisions } from '../staged/decisions.ts';
import type { Stage } from '../staged/engine.ts';
import { about } from '../staged/split.ts';
import { partIn, partitionsOf } from './parts.ts';

/*
 * A session takes the place of one in another partition in three steps: it is made with a short life and
 * nothing else, then the old one is ended, then it is confirmed, and with it what it means for others of
 * its subject: the limit's endings, kept data that it took. Until then it is undone by ending it.
 */

/** Unseen it lives so long: should its maker die before the old session has ended, nobody misses it. */
const unseenFor = 120_000;

/** `engine` writes in one partition. `false`: decide again; what was made has ended, if anything was. */
export async function commitAcross(
  engine: DecidedOn,
  stage: Stage,
  until: number = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  const touched = partitionsOf(stage);
  if (touched.length < 2) return engine.commit(stage);
  if (touched.length > 2) throw new TypeError('a decision reaches two partitions at most');
  const [made] = stage.insert;
  if (made === undefined) return everyPart(engine, stage, touched);
  const place = partitionOf(made.id);
  const own = partIn(place, stage);
  if (!(await engine.commit(provisional(own, made)))) return false;
  const rest = touched.filter((partition) => partition !== place).map((partition) => partIn(partition, stage));
  const { decide } = new Decisions(engine);
  for (const part of rest) {
    if ((await engine.commit(part)) || (await endedAnew(decide, part, until))) continue;
    await withdraw(decide, made);
    return false;
  }
  return confirm(decide, own, made, until);
}

/** A refusal, which changes the subject at most. */
async function everyPart(engine: DecidedOn, stage: Stage, touched: readonly number[]): Promise<boolean> {
  for (const partition of touched) if (!(await engine.commit(partIn(partition, stage)))) return false;
  return true;
}

/** At version 0: whoever reads it writes nothing over what is confirmed. */
function provisional(stage: Stage, made: SessionRecord): Stage {
  const { subject } = stage;
  return {
    ...about(new Set([made.id]), stage),
    subject: subject && { ...subject, put: null, record: subject.was },
    insert: [{ ...made, version: 0, idleTimeout: Math.min(made.idleTimeout, unseenFor) }],
  };
}

type Decide = Decisions['decide'];

/** Ends what is replaced also where it has been seen since it was read; `false` where it has been written. */
async function endedAnew(decide: Decide, { replace }: Stage, until: number): Promise<boolean> {
  for (const { id, version, ending, operation } of replace) {
    const ended = await decide(
      { ids: [id] },
      (rows, now) => {
        const record = rows.session(id);
        if (ending === undefined || record === null || !isLive(record, now) || record.version !== version - 1) {
          return false;
        }
        endOne(rows, record, { ...ending, at: Math.max(ending.at, record.lastSeenAt) }, operation);
        return true;
      },
      { until },
    );
    if (!ended) return false;
  }
  return true;
}

function withdraw(decide: Decide, { id, operation }: SessionRecord): Promise<unknown> {
  return decide({ ids: [id] }, (rows, now) => {
    const record = rows.session(id);
    if (record === null || record.ending) return;
    endOne(rows, record, { reason: 'revoked', at: Math.max(now, record.lastSeenAt), by: 'system' }, operation);
  });
}

/** Gives it its own limit, whatever has been written to it meanwhile; `false` where it has ended. */
function confirm(decide: Decide, { replace, subject }: Stage, made: SessionRecord, until: number): Promise<boolean> {
  const taken = subject?.put && subject.put.kept === undefined ? subject.was?.kept?.id : undefined;
  return decide(
    { ids: [made.id, ...replace.map(({ id }) => id)], ...(taken === undefined ? {} : { owners: true }) },
    (rows, now) => {
      const record = rows.session(made.id);
      if (record === null || !isLive(record, now)) return false;
      rows.replace({ ...record, version: record.version + 1, idleTimeout: made.idleTimeout });
      rows.next(partitionOf(record.id), record.id);
      for (const other of replace) endOther(rows, now, other);
      if (taken !== undefined && subject) takeKept(rows, subject.subject, taken);
      return true;
    },
    { until },
  );
}

function endOther(rows: Rows, now: number, { id, ending, operation }: SessionRecord): void {
  const other = readable(rows, id);
  if (ending === undefined || other === null || other.ending) return;
  // Dead by the clock it was, unless it has been seen since.
  if (ending.by === 'clock' && isLive(other, now)) return;
  endOne(rows, other, { ...ending, at: Math.max(ending.at, other.lastSeenAt) }, operation);
}

function takeKept(rows: Rows, subject: string, id: string): void {
  const known = rows.subject(subject);
  if (known?.kept?.id === id) rows.putSubject({ ...known, kept: undefined });
}
