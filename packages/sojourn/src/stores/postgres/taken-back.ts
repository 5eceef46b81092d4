/*
 * PostgreSQL takes a transaction back whole where others came between: under isolation levels above read
 * committed whenever a row has changed since it began, under every level to end a deadlock.
 */

const codes: readonly unknown[] = ['40001', '40P01'];
/** Tried this often at most; beyond it the server is busier than anybody should wait for. */
const mostAttempts = 50;

/** A read, or a write that is right whenever it is done: once more when it was taken back. */
export async function unlessTakenBack<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt === mostAttempts || !wasTakenBack(error)) throw error;
    }
  }
}

function wasTakenBack(error: unknown): boolean {
  return codes.includes(Object(error).code);
}

/** Nothing was written because another write came first, of the same row of this schema's or of one that was read. */
export function cameSecond(error: unknown, schema: string): boolean {
  const { code, schema: where } = Object(error);
  return wasTakenBack(error) || (code === '23505' && where === schema);
}
