import { SojournError } from './errors.ts';
import type { Asked, Clock, Store } from './ports.ts';

/**
 * A store whose every call answers or throws `store_unavailable` within a deadline, whatever the
 * engine's client does or throws. What comes later than that is not heard, and no write happens later.
 */
export function withDeadline(store: Store, clock: Clock, deadline: number): Store {
  const bounded = <Name extends keyof Store>(name: Name): Store[Name] => {
    const call = store[name] as (...given: never[]) => unknown;
    /** What a driver says may name hosts and accounts: it stays in the cause, for the log. */
    const unknown = (cause: unknown, late = false): SojournError => {
      if (cause instanceof SojournError) return cause;
      const why = late ? `no answer within ${deadline} ms` : 'the engine failed';
      return new SojournError('store_unavailable', `${store.name}.${name}: ${why}.`, { cause: bare(cause) });
    };
    const inTime = (...given: never[]): unknown => {
      try {
        const answer = call.apply(store, given);
        return answer instanceof Promise ? answered(answer, clock, deadline, unknown) : answer;
      } catch (error) {
        throw unknown(error);
      }
    };
    // The same call with the same answer, only sooner: its type is the method's own.
    return inTime as Store[Name];
  };

  const now = (): Asked => ({ until: store.now() + deadline });

  return {
    name: store.name,
    distance: store.distance,
    now: () => store.now(),
    find: bounded('find'),
    subject: bounded('subject'),
    list: bounded('list'),
    page: bounded('page'),
    events: bounded('events'),
    cursor: bounded('cursor'),
    beat: bounded('beat'),
    touch: bounded('touch'),
    create: (session, options) => bounded('create')(session, { ...options, ...now() }),
    update: (id, version, change, options) => bounded('update')(id, version, change, { ...options, ...now() }),
    end: (id, options) => bounded('end')(id, { ...options, ...now() }),
    endAll: (subject, options) => bounded('endAll')(subject, { ...options, ...now() }),
    enable: (subject, options) => bounded('enable')(subject, { ...options, ...now() }),
    setPermissions: (subject, permissions, options) =>
      bounded('setPermissions')(subject, permissions, { ...options, ...now() }),
    purge: (subject, options) => bounded('purge')(subject, { ...options, ...now() }),
    adopt: (sessions, subjects, options) => bounded('adopt')(sessions, subjects, { ...options, ...now() }),
    sweep: (most) => bounded('sweep')(most, now()),
    note: (notices) => bounded('note')(notices, now()),
    subjects: bounded('subjects'),
    watch: (changed) => store.watch(changed),
    listen: (changed) => store.listen(changed),
    close: bounded('close'),
  };
}

/** What of a driver's error is about the engine. The rest may be the command or the row, with all that stands in it. */
const told = [
  'name',
  'message',
  'stack',
  'cause',
  'code',
  'errno',
  'syscall',
  'address',
  'port',
  'severity',
  'constraint',
];

function bare(cause: unknown): unknown {
  if (cause instanceof Error) {
    for (const key of Object.keys(cause)) if (!told.includes(key)) Reflect.deleteProperty(cause, key);
  }
  return cause;
}

/**
 * The answer, where it comes in time, else the `failure`: of the answer, or because it was `late`. One promise,
 * where race, catch and finally would be four: every look-up over a network pays for them.
 */
export function answered<T>(
  answer: Promise<T>,
  clock: Clock,
  deadline: number,
  failure: (cause: unknown, late: boolean) => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(deadline, () => reject(failure(null, true)));
    answer.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (cause: unknown) => {
        cancel();
        reject(failure(cause, false));
      },
    );
  });
}
