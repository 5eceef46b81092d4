import { seeded } from '../../src/stores/contract/subject.ts';
import { type Browser, Lab } from '../lab.ts';

/*
 * How often, and how soon, rotation notices a stolen token. A person uses the application for a
 * working day; a thief has copied the cookie at some moment of the first hour and polls with it. Time
 * is the test clock's and chance is seeded, so the same lives are lived each time.
 */
const day = 8 * 3_600_000;
const minute = 60_000;
/** Between two requests of the person, on average. */
const meanPause = 2 * minute;

export type Thief = 'copy' | 'pace';

interface Life {
  /** Milliseconds from the theft until the session ended because of it; `null`: not within the day. */
  readonly noticedAfter: number | null;
}

/** One working day. A `copy` uses what was stolen for ever; who keeps `pace` takes every new cookie too. */
export async function live(seed: number, poll: number, thief: Thief): Promise<Life> {
  const lab = new Lab();
  const random = seeded(seed * 7919 + poll);
  for (let i = 0; i < 3; i++) random();
  const pause = (): number => Math.max(1000, -Math.log(1 - random()) * meanPause);
  try {
    const person = await lab.signedIn();
    const start = lab.clock.now();
    const theft = start + random() * 3_600_000;
    let stolen: Browser | null = null;
    let nextRequest = start + pause();
    let nextPoll = theft;
    while (lab.clock.now() < start + day) {
      const next = Math.min(nextRequest, nextPoll);
      lab.clock.advance(Math.ceil(next) - lab.clock.now());
      if (nextPoll <= nextRequest) {
        stolen ??= person.copy();
        if ((await polls(stolen, thief)) !== null) return { noticedAfter: lab.clock.now() - theft };
        nextPoll += poll;
      } else {
        if ((await person.visit()).state === 'none') return { noticedAfter: lab.clock.now() - theft };
        nextRequest = lab.clock.now() + pause();
      }
    }
    return { noticedAfter: null };
  } finally {
    await lab.sessions.close();
  }
}

/** The code the thief was refused with, if any. */
async function polls(stolen: Browser, thief: Thief): Promise<string | null> {
  const session = await stolen.visit({ lost: thief === 'copy' });
  return session.state === 'none' ? (session.refused?.code ?? 'none') : null;
}

const intervals: readonly (readonly [string, number, number])[] = [
  ['1 s', 1000, 20],
  ['10 s', 10_000, 100],
  ['1 min', minute, 200],
  ['5 min', 5 * minute, 200],
  ['15 min', 15 * minute, 200],
  ['1 h', 60 * minute, 200],
];

/** The table of SECURITY.md. */
export async function table(): Promise<string> {
  const rows = [
    '| polls every | lives | a copy: noticed | after, median | keeps pace: noticed | after, median |',
    '|---|---|---|---|---|---|',
  ];
  for (const [name, poll, lives] of intervals) {
    const cells: string[] = [];
    for (const thief of ['copy', 'pace'] as const) {
      const noticed: number[] = [];
      for (let seed = 1; seed <= lives; seed++) {
        const { noticedAfter } = await live(seed, poll, thief);
        if (noticedAfter !== null) noticed.push(noticedAfter);
      }
      noticed.sort((a, b) => a - b);
      const median = noticed[Math.floor(noticed.length / 2)];
      cells.push(
        `${Math.round((100 * noticed.length) / lives)} %`,
        median === undefined ? '–' : `${Math.round(median / minute)} min`,
      );
    }
    rows.push(`| ${[name, lives, ...cells].join(' | ')} |`);
  }
  return rows.join('\n');
}

if (import.meta.main) console.log(await table());
