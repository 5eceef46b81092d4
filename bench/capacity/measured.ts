import { beatColumns, beatRow, cell, columns as grown } from '../growth/cells.ts';
import { inEngine, inNode, pastRow, columns as taken } from '../memory/rows.ts';
import type { Kept } from '../report.ts';

/** Of one engine, at the most sessions that were measured. */
export interface Measured {
  readonly engine: string;
  readonly sessions: number;
  readonly bytesASession: number;
  readonly bytesAnEntry: number;
  /** Of an ended one, for a day. */
  readonly tombstone: number;
  /** Of one session: its sign-in and its ending. */
  readonly events: number;
  /** A second, the most that any number of nodes reached. */
  readonly lookUps: number;
  readonly signIns: number;
  readonly touches: number;
  readonly beatBytes: number;
  readonly beats: number;
  readonly changeBytes: number;
}

const nodeCounts = [1, 2, 4];
const most = 1_000_000;
/** Every engine's cache was measured at this. */
const entries = 100_000;

/** `null` where an engine was not there when it was measured. */
export function measuredOf(engine: string, memory: Kept, growth: Kept): Measured | null {
  const value = ({ rows }: Kept, what: string, column: string): number =>
    rows.find((row) => row.what === what)?.figures[column]?.median ?? Number.NaN;
  const best = (column: string): number =>
    Math.max(...nodeCounts.map((count) => value(growth, cell(engine, most, count), column)));
  const found: Measured = {
    engine,
    sessions: most,
    bytesASession: value(memory, inEngine(engine, most), taken.session),
    bytesAnEntry: value(memory, inNode(engine, entries), taken.entry),
    tombstone: value(memory, pastRow(engine), taken.tombstone),
    events: value(memory, pastRow(engine), taken.events),
    lookUps: best(grown.asked),
    signIns: best(grown.signIns),
    touches: best(grown.touches),
    beatBytes: value(growth, beatRow(engine), beatColumns.beat),
    beats: value(growth, beatRow(engine), beatColumns.perSecond),
    changeBytes: value(growth, beatRow(engine), beatColumns.change),
  };
  const heard = [found.beatBytes, found.beats, found.changeBytes];
  const { bytesASession, bytesAnEntry, tombstone, events, lookUps, signIns, touches } = found;
  const needed = [
    bytesASession,
    bytesAnEntry,
    tombstone,
    events,
    lookUps,
    signIns,
    touches,
    ...(engine === 'sqlite' ? [] : heard),
  ];
  return needed.some((one) => Number.isNaN(one)) ? null : found;
}
