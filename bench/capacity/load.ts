import { kindOf } from '../../packages/sojourn/src/lifecycle/policy.ts';
import { partitions } from '../../packages/sojourn/src/lifecycle/token.ts';
import { checkSettings } from '../../packages/sojourn/src/settings.ts';
import { changesKept } from '../../packages/sojourn/src/stores/changes.ts';
import { memory } from '../../packages/sojourn/src/stores/memory.ts';
import { retention } from '../../packages/sojourn/src/stores/rows.ts';

/* What so many sessions ask of an application and its engine, by assumptions that are named and shown. */

/** Change them here: the page is written anew from them. */
export const assumed = {
  /** Of all live sessions, those that ask for something within a minute. */
  inUse: 0.05,
  /** Of each session in use. */
  requestsAMinute: 6,
  /** Of one process of the application, with all that it does besides. */
  requestsOfANode: 5000,
  /** Of the rates that were measured, planned with. */
  planned: 0.5,
  /** Of one primary: Redis keeps everything in memory, PostgreSQL on disk. */
  memoryGB: 64,
  diskGB: 2000,
  /** Of either. */
  forSessions: 0.6,
} as const;

const hour = 3_600_000;
const { policy, cache } = checkSettings({ store: memory() });
const standard = kindOf(policy, 'standard');

interface Library {
  /** From sign-in to ending, where nobody signs out. */
  readonly lifeHours: number;
  readonly touchIntervalSeconds: number;
  readonly rotateEveryHours: number;
  /** An offer, and the first sight of it. */
  readonly writesARotation: number;
  readonly partitions: number;
  readonly changesKept: number;
  readonly cacheMiB: number;
  /** An ended session's tombstone, and the events of every session. */
  readonly tombstoneHours: number;
  readonly eventDays: number;
}

/** The library's own, by its defaults. */
export const library: Library = {
  lifeHours: standard.absolute / hour,
  touchIntervalSeconds: standard.touchInterval / 1000,
  rotateEveryHours: standard.rotateEvery / hour,
  writesARotation: 2,
  partitions,
  changesKept,
  cacheMiB: (cache.bytes ?? 0) / 2 ** 20,
  tombstoneHours: 24,
  eventDays: retention / (24 * hour),
};

export interface Load {
  readonly sessions: number;
  readonly inUse: number;
  readonly requests: number;
  readonly nodes: number;
  readonly touches: number;
  readonly signIns: number;
  readonly rotations: number;
  readonly changes: number;
}

export function loadOf(sessions: number): Load {
  const inUse = sessions * assumed.inUse;
  const requests = (inUse * assumed.requestsAMinute) / 60;
  const signIns = sessions / (library.lifeHours * 3600);
  const rotations = inUse / (library.rotateEveryHours * 3600);
  return {
    sessions,
    inUse,
    requests,
    nodes: Math.ceil(requests / assumed.requestsOfANode),
    touches: inUse / library.touchIntervalSeconds,
    signIns,
    rotations,
    changes: 2 * signIns + library.writesARotation * rotations,
  };
}
