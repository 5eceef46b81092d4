import { type Page, type SessionRecord, SojournError, type Store } from 'sojourn';

const mostOnPage = 1000;

/**
 * All records of a store in the order of their ids. One that cannot be read spoils its page, so the
 * pages become smaller until it stands alone; then it is told of and passed over.
 */
export async function* recordsOf(
  store: Store,
  unreadable: (id: string, why: string) => void,
): AsyncGenerator<SessionRecord, void> {
  let after: string | null = null;
  let most = mostOnPage;
  for (;;) {
    const page: Page | Spoilt = await pageOf(store, after, most);
    if ('spoiltBy' in page) {
      if (most === 1) {
        unreadable(page.spoiltBy, page.why);
        after = page.spoiltBy;
      }
      most = Math.ceil(most / 2);
      continue;
    }
    yield* page.records;
    if (page.after === null) return;
    after = page.after;
    most = Math.min(2 * most, mostOnPage);
  }
}

interface Spoilt {
  readonly spoiltBy: string;
  readonly why: string;
}

async function pageOf(store: Store, after: string | null, most: number): Promise<Page | Spoilt> {
  try {
    return await store.page(after, most);
  } catch (error) {
    if (!(error instanceof SojournError) || error.sessionId === undefined) throw error;
    return { spoiltBy: error.sessionId, why: error.message };
  }
}

/** One id and what each of two stores has of it. */
export interface Pair {
  readonly there: SessionRecord | null;
  readonly here: SessionRecord | null;
}

/** The records of two stores, both in the order of their ids, id by id. */
export async function* sideBySide(
  theirs: AsyncGenerator<SessionRecord, void>,
  ours: AsyncGenerator<SessionRecord, void>,
): AsyncGenerator<Pair, void> {
  let [there, here] = [await next(theirs), await next(ours)];
  while (there || here) {
    const id = first(there?.id, here?.id);
    const pair = { there: there?.id === id ? there : null, here: here?.id === id ? here : null };
    yield pair;
    if (pair.there) there = await next(theirs);
    if (pair.here) here = await next(ours);
  }
}

async function next(records: AsyncGenerator<SessionRecord, void>): Promise<SessionRecord | null> {
  return (await records.next()).value ?? null;
}

function first(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one < other ? one : other;
}
