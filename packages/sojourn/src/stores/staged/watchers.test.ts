import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Announcements } from '../announcements.ts';
import { Watchers } from './watchers.ts';

/** Looks every millisecond for as long as `answer` says. */
class Looking {
  readonly watchers: Watchers;
  looks = 0;
  changes = 0;
  /** Another process announces a change. */
  announce: () => void = () => {};

  constructor(answer: (look: number) => Promise<string>) {
    const announcements = new Announcements(async (heard) => {
      this.announce = () => heard('1 Aid');
    });
    this.watchers = new Watchers(
      () => {
        this.looks += 1;
        return answer(this.looks);
      },
      1,
      announcements,
    );
    this.watchers.add(() => {
      this.changes += 1;
    });
  }

  async until(enough: () => boolean): Promise<void> {
    while (!enough()) await new Promise((resolve) => setImmediate(resolve));
  }
}

test('looks do not pile up while an engine is silent, and go on when it answers', async () => {
  const silence = Promise.withResolvers<string>();
  const silent = new Looking((look) => (look === 1 ? silence.promise : Promise.resolve(String(look))));
  const answered = new Looking(async (look) => String(look));
  await answered.until(() => answered.looks >= 20);
  assert.equal(silent.looks, 1);
  silence.resolve('1');
  await silent.until(() => silent.looks >= 3 && silent.changes >= 2);
  silent.watchers.stop();
  answered.watchers.stop();
});

test('a look that is never answered is not waited for for ever', async () => {
  const looking = new Looking((look) => (look === 1 ? new Promise(() => {}) : Promise.resolve('changed')));
  await looking.until(() => looking.changes === 1);
  assert.equal(looking.changes, 1);
  looking.watchers.stop();
});

test('a look that fails is made again at the next turn', async () => {
  const looking = new Looking(async (look) => {
    if (look < 3) throw new Error('ECONNREFUSED');
    return 'changed';
  });
  await looking.until(() => looking.changes === 1);
  assert.equal(looking.looks, 3);
  looking.watchers.stop();
});

test('looks are fewer while changes are announced, until one finds what was not', async () => {
  let missed = 0;
  const told = new Looking(async () => String(missed));
  const plain = new Looking(async (look) => String(look));
  const rate = async (): Promise<number> => {
    const before = [told.looks, plain.looks] as const;
    await plain.until(() => plain.looks >= before[1] + 40);
    return (told.looks - before[0]) / (plain.looks - before[1]);
  };
  await told.until(() => told.looks > 0);
  assert.ok((await rate()) > 0.8);
  told.announce();
  assert.ok((await rate()) < 0.4);
  // The announcement was about this one.
  missed += 1;
  assert.ok((await rate()) < 0.4);
  missed += 1;
  await told.until(() => told.changes === 4);
  assert.ok((await rate()) > 0.8);
  for (const { watchers } of [told, plain]) watchers.stop();
});

test('announcements wake at once, and many of them seldom', async () => {
  const told = new Looking(async () => '');
  for (let i = 0; i < 100; i++) told.announce();
  assert.equal(told.changes, 1);
  await told.until(() => told.changes === 2);
  told.watchers.stop();
});
