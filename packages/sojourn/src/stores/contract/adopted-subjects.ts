import assert from 'node:assert/strict';
import type { Store, SubjectRecord } from '../../lifecycle/ports.ts';
import { stamped } from '../../lifecycle/session.ts';
import { behaviour, created, creating, found, hour, minute, newSession, type Open, operation } from './subject.ts';

const adopting = (): { operation: string } => ({ operation: operation() });

async function allSubjects(store: Store, most: number): Promise<SubjectRecord[]> {
  const all: SubjectRecord[] = [];
  let after: string | null = null;
  do {
    const page = await store.subjects(after, most);
    all.push(...page.subjects);
    after = page.after;
  } while (after !== null);
  return all;
}

/** What is known of subjects, and what of it comes from another engine. */
export function subjectBehaviour(name: string, open: Open): void {
  behaviour(name, open, 'every subject with a record of its own stands on one page, once', async ({ store, clock }) => {
    const subjects = Array.from({ length: 25 }, (_, i) => `user ${i} é`);
    for (const subject of subjects) await store.setPermissions(subject, [], adopting());
    await created(store, 'has only signed in');
    const [first = ''] = subjects;
    await store.endAll(first, { reason: 'account_disabled', by: 'x', disable: true, ...adopting() });
    for (const most of [1, 7, 25, 100]) {
      const all = await allSubjects(store, most);
      const changed = all.filter(({ changedAt }) => changedAt === clock.now);
      assert.deepEqual(changed.map(({ subject }) => subject).sort(), subjects.toSorted());
      assert.deepEqual(
        all.filter(({ disabled }) => disabled).map(({ subject }) => subject),
        [first],
      );
      assert.equal(new Set(all.map(({ subject }) => subject)).size, all.length);
    }
    clock.now += 1000 * hour;
    assert.ok((await allSubjects(store, 10)).some(({ subject, disabled }) => subject === first && disabled));
  });

  behaviour(
    name,
    open,
    'G10: what is known of a subject there is known here, disabled ones above all',
    async ({ store, clock }) => {
      const kept = { id: 'Aold', data: '{"cart":["x"]}', until: clock.now + hour };
      const there = [
        { subject: 'u1', changedAt: clock.now - minute, disabled: false, kept },
        { subject: 'u2', changedAt: clock.now, disabled: true, kept: undefined },
      ];
      const own = await created(store, 'u2');
      assert.deepEqual(await store.adopt([], there, adopting()), [{ id: own.id, outcome: 'ended' }]);
      assert.deepEqual(await store.subject('u1'), there[0]);
      assert.deepEqual(await store.subject('u2'), there[1]);
      assert.deepEqual((await allSubjects(store, 10)).map(({ subject }) => subject).sort(), ['u1', 'u2']);
      assert.equal((await found(store, own.id)).ending?.reason, 'account_disabled');
      const signIn = async (subject: string, checkedAt: number): Promise<string> =>
        (await store.create(newSession(subject), creating({ checkedAt }))).outcome;
      assert.equal(await signIn('u2', clock.now + 1), 'subject_changed');
      assert.equal(await signIn('u1', clock.now - minute), 'subject_changed');
      assert.equal(await signIn('u1', clock.now), 'created');
      assert.deepEqual(await store.adopt([], there, adopting()), []);
    },
  );

  behaviour(name, open, 'of two changes of a subject the later counts', async ({ store, clock }) => {
    const disabled = { subject: 'u1', changedAt: clock.now, disabled: true };
    await store.adopt([], [disabled], adopting());
    clock.now += minute;
    await store.enable('u1', adopting());
    await store.adopt([], [disabled], adopting());
    assert.equal((await store.subject('u1')).disabled, false);
    await store.adopt([], [{ ...disabled, changedAt: clock.now + 1 }], adopting());
    assert.equal((await store.subject('u1')).disabled, true);
    await store.adopt([], [{ ...disabled, changedAt: clock.now + 2, disabled: false }], adopting());
    assert.equal((await store.subject('u1')).disabled, false);
  });

  behaviour(
    name,
    open,
    'G10: a session from before a change here is refused, one from after it is not',
    async ({ store, clock }) => {
      const there = { subject: 'u1', changedAt: clock.now - hour, disabled: false };
      const before = stamped(newSession('u1'), clock.now - 1);
      await store.endAll('u1', { reason: 'password_changed', by: 'u1', ...adopting() });
      const after = stamped(newSession('u1'), clock.now + 1);
      clock.now += 1;
      assert.deepEqual(await store.adopt([before, after], [there], adopting()), [
        { id: before.id, outcome: 'refused', why: 'subject_changed' },
        { id: after.id, outcome: 'adopted' },
      ]);
      // The change came from there: those who outlived it there do so here.
      const same = await store.subject('u1');
      assert.deepEqual(await store.adopt([before], [same], adopting()), [{ id: before.id, outcome: 'adopted' }]);
      await store.endAll('u1', { reason: 'account_disabled', by: 'x', disable: true, ...adopting() });
      const late = stamped(newSession('u1'), clock.now + 1);
      assert.deepEqual(await store.adopt([late], [], adopting()), [
        { id: late.id, outcome: 'refused', why: 'subject_changed' },
      ]);
    },
  );

  behaviour(
    name,
    open,
    'G3: no session slips in beside an ending of all, and none comes twice',
    async ({ store, another, clock }) => {
      const other = (await another?.()) ?? store;
      const records = Array.from({ length: 20 }, () => stamped(newSession('u1'), clock.now - 1));
      const moves = records.map((record) => other.adopt([record], [], adopting()));
      const ending = store.endAll('u1', { reason: 'password_changed', by: 'u1', ...adopting() });
      const again = records.map((record) => other.adopt([record], [], adopting()));
      await Promise.all([...moves, ending, ...again]);
      assert.deepEqual((await store.list('u1')).live, []);
      const outcomes = (await Promise.all([...moves, ...again])).flat().map(({ outcome }) => outcome);
      assert.ok(outcomes.filter((outcome) => outcome === 'adopted').length <= records.length);
      if (other !== store) await other.close();
    },
  );
}
