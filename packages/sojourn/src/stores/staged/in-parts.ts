import type { Loaded, Stage } from './engine.ts';
import { StagedRows } from './rows.ts';
import { type PartOfStage, split } from './split.ts';

interface About {
  readonly id: string;
}

interface Steps {
  readonly load: () => Promise<Loaded>;
  /** `false`: another write came first. */
  readonly commit: (stage: Stage) => Promise<boolean>;
  readonly mostAttempts: number;
}

/**
 * Decides about all sessions of a subject and writes it part by part; answers what the operation has
 * answered of each session that was written, `null` when other writes came first too often. Where one
 * does, the rest is decided again, and no more than the rest: a session that began after the first part
 * is not meant. If this process dies on the way, the subject has changed and some of its sessions have
 * not; whoever asked was not told that it is done.
 */
export async function writeInParts<T extends About>(
  { load, commit, mostAttempts }: Steps,
  operation: (rows: StagedRows, now: number) => readonly T[],
): Promise<readonly T[] | null> {
  const done: T[] = [];
  let rest: ReadonlySet<string> | null = null;
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const loaded = await load();
    const rows = new StagedRows(rest === null ? loaded : only(rest, loaded));
    const answers = operation(rows, loaded.now);
    const stage = rows.stage();
    if (stage === null) return [...done, ...answers];
    const parts = split(rest === null ? stage : { ...stage, subject: null });
    const refused = await firstRefused(commit, parts);
    if (refused === 0) continue;
    const waiting = idsOf(parts.slice(refused));
    done.push(...answers.filter(({ id }) => !waiting.has(id)));
    rest = waiting;
    if (refused === parts.length) return done;
    attempt = 0;
  }
  return null;
}

/** Commits one after the other up to the first that is refused; answers its place. */
async function firstRefused(commit: Steps['commit'], parts: readonly PartOfStage[]): Promise<number> {
  for (const [place, { stage }] of parts.entries()) if (!(await commit(stage))) return place;
  return parts.length;
}

function idsOf(parts: readonly PartOfStage[]): ReadonlySet<string> {
  return new Set(parts.flatMap(({ ids }) => [...ids]));
}

function only(ids: ReadonlySet<string>, { sessions, unreadable, ...loaded }: Loaded): Loaded {
  const among = ({ id }: About): boolean => ids.has(id);
  return { ...loaded, sessions: sessions.filter(among), unreadable: unreadable.filter(among) };
}
