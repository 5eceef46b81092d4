/* What so many sessions ask of an application and its engine, by assumptions that are named and shown. */

/** Change them here: the page is written anew from them. */
export const assumed = {
  /** Of all live sessions, those that ask for something within a minute. */
  inUse: 0.05,
  /** Of each session in use. */
  requestsAMinute: 6,
  /** From sign-in to ending: the library's absolute limit. */
  lifeHours: 12,
  /** Of one process of the application, with all that it does besides. */
  requestsOfANode: 5000,
  /** Of the rates that were measured, planned with. */
  planned: 0.5,
  /** Of one engine node: Redis keeps everything in memory, PostgreSQL on disk. */
  memoryGB: 64,
  diskGB: 2000,
  /** Of either. */
  forSessions: 0.6,
} as const;

/** The library's own, by its defaults. */
export const library = {
  touchIntervalSeconds: 60,
  rotateEveryHours: 1,
  /** An offer, and the first sight of it. */
  writesARotation: 2,
  partitions: 64,
  changesKept: 256,
  cacheMiB: 128,
  /** An ended session's tombstone, and the events of every session. */
  tombstoneHours: 24,
  eventDays: 28,
} as const;

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
  const signIns = sessions / (assumed.lifeHours * 3600);
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
