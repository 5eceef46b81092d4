/** Tried this often at most; beyond it the server is busier than anybody should wait for. */
const mostAttempts = 50;

/**
 * A read, or a write that is right whenever it is done: once more when PostgreSQL has taken it back whole
 * because others came between. Above read committed it does so whenever a row has changed since the
 * transaction began, and at every level to end a deadlock.
 */
export async function unlessTakenBack<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt === mostAttempts || !wasTakenBack(error)) throw error;
    }
  }
}

/** Whole, because others came first. */
export function wasTakenBack(error: unknown): boolean {
  const { code } = Object(error);
  return code === '40001' || code === '40P01';
}

/** Nothing was written because another write came first, of the same row of this schema's or of one that was read. */
export function cameSecond(error: unknown, schema: string): boolean {
  const { code, schema: where } = Object(error);
  return wasTakenBack(error) || (code === '23505' && where === schema);
}

/** The account lacks the right. */
export function isForbidden(error: unknown): boolean {
  return Object(error).code === '42501';
}

/** Somebody held what was to be changed for longer than `lock_timeout`. */
export function isLocked(error: unknown): boolean {
  return Object(error).code === '55P03';
}

/** What of a failure is about the engine. Its `detail`, `where` and parameters quote the row, with all that stands in it. */
const told = new Set([
  'name',
  'message',
  'stack',
  'cause',
  'code',
  'severity',
  'schema',
  'table',
  'constraint',
  'routine',
  'errno',
  'syscall',
  'address',
  'port',
]);

/** A failure of the client's that quotes no record: it goes on as a cause, into logs. */
export function unquoting(failure: unknown): unknown {
  if (failure instanceof Error) {
    for (const key of Object.keys(failure)) if (!told.has(key)) Reflect.deleteProperty(failure, key);
  }
  return failure;
}
