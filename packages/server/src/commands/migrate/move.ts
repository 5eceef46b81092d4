import { randomBytes } from 'node:crypto';
import { type SessionRecord, SojournError, type Store, type SubjectRecord } from 'sojourn';
import { type Pair, recordsOf, sideBySide } from './records.ts';
import { livesAt, Tally } from './tally.ts';

/** Handed over at once: few enough that no engine is kept from its requests. */
const mostSessions = 100;
const mostSubjects = 200;

/** Told of every step. `at`: the id that was reached, `null` once all sessions are done. */
export type Progress = (tally: Tally, at: string | null) => void;

/**
 * Moves what one store has to another. Both are read side by side and only what differs is written, so
 * a run that was stopped anywhere is repeated from the start, and the last run is short.
 */
export async function move(from: Store, to: Store, progress: Progress): Promise<Tally> {
  const moving = new Move(from, to, progress);
  await moving.sessions();
  await moving.subjects();
  return moving.tally;
}

class Move {
  readonly tally = new Tally();
  readonly #from: Store;
  readonly #to: Store;
  readonly #progress: Progress;
  #waiting: SessionRecord[] = [];
  /** Who is disabled comes last: by then each of their sessions has ended for its own reason. */
  readonly #disabled = new Map<string, SubjectRecord>();

  constructor(from: Store, to: Store, progress: Progress) {
    this.#from = from;
    this.#to = to;
    this.#progress = progress;
  }

  async sessions(): Promise<void> {
    const theirs = recordsOf(this.#from, (id, says) => {
      this.tally.looked += 1;
      this.tally.refuse(id, 'unreadable', says);
    });
    // What cannot be read on the new engine is met again, and told, when its session is handed over.
    const ours = recordsOf(this.#to, () => {});
    for await (const pair of sideBySide(theirs, ours)) await this.#meet(pair);
    await this.#handOver();
  }

  async #meet({ there, here }: Pair): Promise<void> {
    if (there === null) {
      if (here && (await this.#isPurged(here))) await this.#endPurged(here);
      return;
    }
    this.tally.looked += 1;
    if (here && isUnchanged(there, here)) {
      this.tally.unchanged += 1;
      if (this.tally.unchanged % mostSessions === 0) this.#progress(this.tally, there.id);
    } else if (this.#waiting.push(there) >= mostSessions) await this.#handOver();
  }

  async #handOver(): Promise<void> {
    const records = this.#waiting;
    this.#waiting = [];
    const names = new Set(records.flatMap(({ subject }) => (subject === null ? [] : [subject])));
    const subjects = await Promise.all([...names].map((name) => this.#from.subject(name)));
    for (const one of subjects) if (one.disabled) this.#disabled.set(one.subject, one);
    const others = subjects.filter(({ disabled }) => !disabled);
    const byId = new Map(records.map((record) => [record.id, record]));
    for (const adopted of await this.#to.adopt(records, others, writing())) {
      this.tally.count(adopted, byId.get(adopted.id) ?? null, this.#to.now());
    }
    const last = records.at(-1);
    if (last) this.#progress(this.tally, last.id);
  }

  /**
   * A purge leaves no tombstone: the session that came from there is unknown there now, and its subject
   * has changed since it began. Without such a change, as in an empty store, nothing is concluded.
   */
  async #isPurged(here: SessionRecord): Promise<boolean> {
    if (here.adopted === undefined || here.subject === null || !livesAt(here, this.#to.now())) return false;
    if (!(await isUnknown(this.#from, here.id))) return false;
    return (await this.#from.subject(here.subject)).changedAt >= here.createdAt;
  }

  async #endPurged({ id }: SessionRecord): Promise<void> {
    const ended = await this.#to.end(id, { reason: 'purged', by: 'system', ...writing() });
    if (ended?.ended) this.tally.endedMeanwhile += 1;
  }

  async subjects(): Promise<void> {
    await this.#handOverSubjects([...this.#disabled.values()]);
    let after: string | null = null;
    do {
      const page = await this.#from.subjects(after, mostSubjects);
      await this.#handOverSubjects(page.subjects);
      this.tally.subjects += page.subjects.length;
      after = page.after;
      this.#progress(this.tally, null);
    } while (after !== null);
  }

  /** What is answered are the sessions that a disabled subject still had on the new engine. */
  async #handOverSubjects(subjects: readonly SubjectRecord[]): Promise<void> {
    for (const adopted of await this.#to.adopt([], subjects, writing())) {
      this.tally.count(adopted, null, this.#to.now());
    }
  }
}

/** Only what needs no closer look: the store decides about all others. */
function isUnchanged(there: SessionRecord, here: SessionRecord): boolean {
  return (
    there.operation === here.operation &&
    there.version === here.version &&
    there.idleTimeout === here.idleTimeout &&
    there.lastSeenAt <= here.lastSeenAt
  );
}

/** What is there and cannot be read is not unknown. */
async function isUnknown(store: Store, id: string): Promise<boolean> {
  try {
    return (await store.find(id)) === null;
  } catch (error) {
    if (error instanceof SojournError && error.sessionId !== undefined) return false;
    throw error;
  }
}

function writing(): { readonly operation: string } {
  return { operation: randomBytes(9).toString('base64url') };
}
