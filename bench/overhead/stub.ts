import { hash } from 'node:crypto';
import type { SessionRecord, Store } from 'sojourn';
import { device } from '../route/device.ts';
import { permissions, user } from '../route/people.ts';

/** A store that always finds the same session, at once: what is left is the work that is not the store. */
export interface Stub {
  readonly store: Store;
  readonly token: string;
  /** Makes the session look newly seen, so that no touch falls due. */
  freshen(): void;
}

export function stub(): Stub {
  const id = 'A1234567890abcdefghijk_';
  const secret = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG';
  const now = Date.now();
  let record: SessionRecord = {
    id,
    version: 1,
    subject: user(0),
    permissions,
    factors: [{ method: 'password', at: now }],
    kind: 'standard',
    createdAt: now,
    signedInAt: now,
    lastSeenAt: now,
    idleTimeout: 1_800_000,
    expiresAt: now + 43_200_000,
    rotatedAt: now,
    secretHash: hash('sha256', secret, 'base64url'),
    generation: 1,
    retired: [],
    formKey: 'abcdefghijklmnopqrstuv',
    operation: 'abcdefghijkl',
    device,
    data: '{}',
  };
  const unexpected = (): never => {
    throw new Error('This store only finds.');
  };
  const store: Store = {
    name: 'stub',
    distance: 'process',
    now: Date.now,
    find: () => record,
    subject: unexpected,
    list: unexpected,
    page: unexpected,
    events: unexpected,
    cursor: unexpected,
    beat: unexpected,
    create: unexpected,
    update: unexpected,
    touch: unexpected,
    end: unexpected,
    endAll: unexpected,
    enable: unexpected,
    setPermissions: unexpected,
    sweep: unexpected,
    purge: unexpected,
    subjects: unexpected,
    adopt: unexpected,
    note: unexpected,
    watch: () => () => {},
    listen: () => () => {},
    close: async () => {},
  };
  return {
    store,
    token: `${id}.${secret}`,
    freshen() {
      record = { ...record, lastSeenAt: Date.now() };
    },
  };
}
