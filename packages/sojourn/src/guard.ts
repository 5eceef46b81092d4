import { SojournError } from './lifecycle/errors.ts';

/** What code written for express-session calls on a session, and what to call instead. */
const foreign: Readonly<Record<string, string>> = {
  regenerate: 'call signIn(user.id), with passport after authenticate(strategy, { session: false })',
  save: 'call update(draft => { … })',
  reload: 'call assertLive()',
  destroy: 'call terminate()',
  touch: 'leave it out',
};

const refuse: ProxyHandler<object> = {
  get(_target, name) {
    if (typeof name !== 'string' || !Object.hasOwn(foreign, name)) return undefined;
    return () => {
      throw new SojournError('state_invalid', `session.${name}() is express-session’s: ${foreign[name]}.`);
    };
  },
  set(_target, name) {
    throw assigned(String(name));
  },
};

function assigned(name: string): SojournError {
  return new SojournError(
    'state_invalid',
    `session.${name} = … would be lost: await session.update(draft => { draft.${name} = … }).`,
  );
}

/** Gives each getter of a class a setter that throws: sloppy code passes over an assignment to one without. */
export function refuseAssignments(prototype: object): void {
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (!property.get) continue;
    Object.defineProperty(prototype, name, {
      ...property,
      set() {
        throw assigned(name);
      },
    });
  }
}

/**
 * What a session object falls back to: an assignment to it is an error that names `update`, in sloppy
 * code too, and express-session's calls are errors that name ours. What a session has itself never
 * gets here, so it costs nothing.
 */
export class Guard {}
Object.setPrototypeOf(Guard.prototype, new Proxy(Object.create(null), refuse));
