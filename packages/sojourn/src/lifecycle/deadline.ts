import { SojournError } from './errors.ts';
import type { Clock, MaybePromise, Store } from './ports.ts';

/**
 * A store whose every call answers or throws `store_unavailable` within a deadline, whatever the
 * engine's client does or throws. What comes later than that is not heard.
 */
export function withDeadline(store: Store, clock: Clock, deadline: number): Store {
  const call = <T>(name: string, run: () => MaybePromise<T>): MaybePromise<T> => {
    try {
      const result = run();
      return result instanceof Promise ? race(name, result) : result;
    } catch (error) {
      throw unknown(name, error);
    }
  };

  const race = <T>(name: string, result: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const cancel = clock.after(deadline, () => {
        reject(unknown(name, new Error(`no answer within ${deadline} ms`)));
      });
      result.then(
        (value) => {
          cancel();
          resolve(value);
        },
        (error: unknown) => {
          cancel();
          reject(unknown(name, error));
        },
      );
    });

  const unknown = (name: string, error: unknown): SojournError => {
    if (error instanceof SojournError) return error;
    const why = error instanceof Error ? error.message : String(error);
    return new SojournError('store_unavailable', `${store.name}.${name}: ${why}`, { cause: error });
  };

  const later = async <T>(name: string, run: () => Promise<T>): Promise<T> => call(name, run);

  return {
    name: store.name,
    now: () => store.now(),
    find: (...given) => call('find', () => store.find(...given)),
    subject: (...given) => call('subject', () => store.subject(...given)),
    list: (...given) => call('list', () => store.list(...given)),
    page: (...given) => call('page', () => store.page(...given)),
    events: (...given) => call('events', () => store.events(...given)),
    beat: () => call('beat', () => store.beat()),
    create: (...given) => later('create', () => store.create(...given)),
    update: (...given) => later('update', () => store.update(...given)),
    touch: (...given) => later('touch', () => store.touch(...given)),
    end: (...given) => later('end', () => store.end(...given)),
    endAll: (...given) => later('endAll', () => store.endAll(...given)),
    enable: (...given) => later('enable', () => store.enable(...given)),
    setPermissions: (...given) => later('setPermissions', () => store.setPermissions(...given)),
    sweep: (...given) => later('sweep', () => store.sweep(...given)),
    purge: (...given) => later('purge', () => store.purge(...given)),
    note: (...given) => later('note', () => store.note(...given)),
    watch: (changed) => store.watch(changed),
    close: () => store.close(),
  };
}
