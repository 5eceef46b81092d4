import type { Progress } from './move.ts';

/** Where progress is shown: on a terminal a line that is updated, elsewhere a line now and then. */
export interface ProgressScreen {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Milliseconds from one showing to the next. */
const every = { terminal: 100, file: 5000 } as const;

const characters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].sort().join('');

export interface Shown {
  readonly show: Progress;
  /** Takes the line away. */
  done(): void;
}

export function progressOn(screen: ProgressScreen, now: () => number = () => performance.now()): Shown {
  const { terminal, file } = every;
  const wait = screen.isTTY ? terminal : file;
  let last = screen.isTTY ? Number.NEGATIVE_INFINITY : now();
  return {
    show(tally, at) {
      if (now() - last < wait) return;
      last = now();
      const { looked, moved, endedBefore, endedMeanwhile, subjects } = tally;
      const counts = `${spelled(looked)} sessions looked at, ${spelled(moved + endedBefore + endedMeanwhile)} written`;
      const line = at === null ? `${counts}, ${spelled(subjects)} records of subjects` : `${part(at)} % · ${counts}`;
      screen.write(screen.isTTY ? `\r\u001b[2K${line}` : `${line}\n`);
    },
    done() {
      if (screen.isTTY) screen.write('\r\u001b[2K');
    },
  };
}

/** How far an id is through all ids, in percent: their first characters are spread evenly. */
function part(id: string): number {
  const place = (index: number): number => Math.max(0, characters.indexOf(id.charAt(index))) / characters.length;
  return Math.floor(100 * (place(0) + place(1) / characters.length));
}

function spelled(count: number): string {
  return count.toLocaleString('en');
}
