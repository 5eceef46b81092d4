import { assumed, type Load, library } from './load.ts';
import type { Measured } from './measured.ts';

/* How many primaries of an engine a load takes; replicas are on top of them. */

export const GB = 1e9;
const MiB = 2 ** 20;

/** By each thing that fills them; the largest counts. */
export interface Primaries {
  readonly memory: number;
  /** Where each session keeps to one node of the application, and where its requests come to any. */
  readonly work: number;
  readonly spread: number;
  readonly beats: Beats;
}

/** What the nodes ask the engine so that they may go on to remember, a second. */
export interface Beats {
  readonly heartbeats: number;
  /** A Cluster takes one script for each partition, for their keys are in slots of their own. */
  readonly scripts: number;
  /** Commands of those scripts, each counted as a look-up; of PostgreSQL writes, each counted as a sign-in. */
  readonly asked: number;
  readonly commands: number;
}

export function primariesOf(one: Measured, load: Load): Primaries {
  const memory = sum(keptOf(one, load)) / (heldBy(one) * GB);
  const single = byWork(one, load, beatsOf(one, load, false));
  if (one.engine !== 'redis' || Math.max(memory, single.work) <= 1) return { memory, ...single };
  return { memory, ...byWork(one, load, beatsOf(one, load, true)) };
}

function byWork(one: Measured, load: Load, beats: Beats): Omit<Primaries, 'memory'> {
  const { lookUps, touches, signIns } = one;
  const asked = beats.asked / (one.engine === 'redis' ? lookUps : signIns);
  const work = (missing: number): number =>
    (missing / lookUps + load.touches / touches + load.changes / signIns + asked) / assumed.planned;
  return { work: work(load.changes), spread: work(missed(one, load)), beats };
}

function beatsOf(one: Measured, { nodes }: Load, cluster: boolean): Beats {
  const heartbeats = nodes * one.beats;
  const scripts = heartbeats * (cluster ? library.partitions : 1);
  if (one.engine !== 'redis') return { heartbeats, scripts, commands: 1, asked: scripts };
  // A trace, and of each partition its counter and its changes.
  const commands = 1 + 2 * (cluster ? 1 : library.partitions);
  return { heartbeats, scripts, commands, asked: scripts * commands };
}

export interface KeptBytes {
  readonly live: number;
  readonly tombstones: number;
  readonly events: number;
}

export function keptOf(one: Measured, { sessions, signIns, rotations }: Load): KeptBytes {
  const aDay = 86_400;
  return {
    live: sessions * one.bytesASession,
    tombstones: signIns * library.tombstoneHours * 3600 * one.tombstone,
    // A rotation is one event, about half of the two.
    events: (signIns + rotations / 2) * library.eventDays * aDay * one.events,
  };
}

export function sum({ live, tombstones, events }: KeptBytes): number {
  return live + tombstones + events;
}

/** Gigabytes of one primary that sessions may take. */
export function heldBy({ engine }: Measured): number {
  return (engine === 'redis' ? assumed.memoryGB : assumed.diskGB) * assumed.forSessions;
}

/** Entries that the near cache of a node holds. */
export function entriesOf({ bytesAnEntry }: Measured): number {
  return (library.cacheMiB * MiB) / bytesAnEntry;
}

/** Look-ups a second that ask the engine where a session's requests come to any node. */
export function missed(one: Measured, { inUse, requests, changes }: Load): number {
  return requests * (1 - Math.min(1, entriesOf(one) / inUse)) + changes;
}
