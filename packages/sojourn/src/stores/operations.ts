/*
 * What each writing operation of the store port does, stage by stage, on any engine. Memory runs it in one
 * turn of the event loop, SQLite in one transaction (a part of those in parts, `parts.ts`), networked engines
 * on what they have loaded (`staged/`);
 * `now` is the engine's time inside that step.
 */

export { adopt } from './operations/adopt.ts';
export { create } from './operations/create.ts';
export { sweep } from './operations/expire.ts';
export { checkInTime } from './operations/in-time.ts';
export { setPermissions } from './operations/permissions.ts';
export { changeSubject, keptNow } from './operations/subjects.ts';
export { enable, end, endAll, purge } from './operations/terminate.ts';
export { note, touch, update } from './operations/track.ts';
