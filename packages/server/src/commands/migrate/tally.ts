import type { Adopted, SessionRecord } from 'sojourn';

type Why = Extract<Adopted, { outcome: 'refused' }>['why'];

/** A session that stayed behind, and why. */
interface Refused {
  readonly id: string;
  readonly why: Why;
  readonly says: string;
}

/** What is told of each refused session; the others are only counted. */
const mostTold = 1000;
const mostPrinted = 20;

const reasons: Readonly<Record<Why, string>> = {
  unreadable: 'cannot be read',
  written_here_too: 'written on both engines since it was copied; the new engine’s stays',
  subject_changed: 'from before its subject was changed or disabled on the new engine',
};

/** What a run has done so far. */
export class Tally {
  /** Sessions of the old engine that were looked at. */
  looked = 0;
  /** Live sessions that were copied, or brought up to date. */
  moved = 0;
  /** Of those that had ended: copied, so that an old cookie is told why. */
  endedBefore = 0;
  /** Live on the new engine until this run. */
  endedMeanwhile = 0;
  unchanged = 0;
  newer = 0;
  past = 0;
  /** Records of subjects that were handed over. */
  subjects = 0;
  readonly #refused = new Map<Why, number>();
  readonly #told: Refused[] = [];

  get refused(): number {
    return [...this.#refused.values()].reduce((sum, count) => sum + count, 0);
  }

  refuse(id: string, why: Why, says: string = reasons[why]): void {
    this.#refused.set(why, (this.#refused.get(why) ?? 0) + 1);
    if (this.#told.length < mostTold) this.#told.push({ id, why, says });
  }

  /** Counts what became of a record that was handed over; `null` of one that was only here. */
  count(adopted: Adopted, record: SessionRecord | null, now: number): void {
    if (adopted.outcome === 'refused') this.refuse(adopted.id, adopted.why);
    else if (adopted.outcome === 'ended') this.endedMeanwhile += 1;
    else if (adopted.outcome !== 'adopted') this[adopted.outcome] += 1;
    else if (record && livesAt(record, now)) this.moved += 1;
    else this.endedBefore += 1;
  }

  toJSON(): object {
    const { looked, moved, endedBefore, endedMeanwhile, unchanged, newer, past, subjects } = this;
    const refused = { count: this.refused, by: Object.fromEntries(this.#refused), sessions: this.#told };
    return { looked, moved, endedBefore, endedMeanwhile, unchanged, newer, past, subjects, refused };
  }

  toString(): string {
    const told = this.#told.slice(0, mostPrinted).map(({ id, says }) => `    ${id}: ${says}`);
    const untold = this.refused - told.length;
    return [
      line(this.moved, 'live sessions moved'),
      line(this.endedBefore, 'that had ended came along, so that an old cookie is told why'),
      line(this.endedMeanwhile, 'ended meanwhile'),
      line(this.unchanged, 'were there already'),
      line(this.newer, 'are newer there and were left'),
      line(this.past, 'too old to be remembered'),
      line(this.subjects, 'records of subjects'),
      line(this.refused, 'refused'),
      ...told,
      ...(untold > 0 ? [`    … and ${untold} more; --json names them`] : []),
    ].join('\n');
  }
}

function line(count: number, says: string): string {
  return `${count.toLocaleString('en').padStart(12)} ${says}`;
}

export function livesAt({ ending, lastSeenAt, idleTimeout, expiresAt }: SessionRecord, now: number): boolean {
  return ending === undefined && now < Math.min(lastSeenAt + idleTimeout, expiresAt);
}
