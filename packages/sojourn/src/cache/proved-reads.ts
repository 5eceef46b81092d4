import type { Clock, Store } from '../lifecycle/ports.ts';
import type { SessionRecord } from '../lifecycle/session.ts';
import { partitionOf } from '../lifecycle/token.ts';
import type { ProofCounts } from './counts.ts';
import { countsOf, ProofByBeats, type ProofLimits } from './proof.ts';

/**
 * A look-up over a network. A primary that was cut off goes on answering reads as if nothing had ended since,
 * so that a session lives is believed only while a beat is answered. Else throws `store_unavailable`.
 */
export async function provedFind(engine: Store, proof: ProofByBeats, id: string): Promise<SessionRecord | null> {
  const partition = partitionOf(id);
  // Where nothing is proved yet the beat travels beside the read.
  const proving = proof.holds(partition) ? null : proof.prove(partition);
  // Told below, and only where it matters.
  proving?.catch(() => {});
  const record = await engine.find(id);
  if (record === null || record.ending) return record;
  if (proving !== null) await proving;
  // The read may have taken long.
  if (!proof.holds(partition)) await proof.prove(partition);
  return record;
}

/** An engine of which nothing is remembered; no counts where it needs no proof, for its reads are no trip away. */
export function unremembered(
  engine: Store,
  clock: Clock,
  limits: ProofLimits,
): { readonly store: Store; readonly counts: ProofCounts | null } {
  if (engine.distance !== 'network') return { store: engine, counts: null };
  const proof = new ProofByBeats(engine, clock, limits, () => {});
  const store: Store = {
    ...engine,
    find: (id, tx) => (tx === undefined ? provedFind(engine, proof, id) : engine.find(id, tx)),
    close: () => {
      proof.close();
      return engine.close();
    },
  };
  return {
    store,
    get counts() {
      return countsOf(proof);
    },
  };
}
