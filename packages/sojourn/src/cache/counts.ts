/** Upper ends of the histogram of lags, in milliseconds. */
export const lagBounds: readonly number[] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500];

/** Of what proves that what is remembered, or has been read over a network, still holds. For metrics. */
export interface ProofCounts {
  /** Beats that proved something. */
  readonly beats: number;
  readonly beatsFailed: number;
  /** Milliseconds for which a proof holds. */
  readonly bound: number;
  /** Milliseconds since the oldest partition's last proof; `null` before the first, and while nobody asks. */
  readonly provedAgo: number | null;
}

/** What the near cache has done since the start, for metrics. */
export interface CacheCounts extends ProofCounts {
  /** Look-ups that were answered from memory. */
  readonly hits: number;
  /** Look-ups of what was not there. */
  readonly misses: number;
  /** Look-ups that went past what was there: nothing was proved in time, a route asked for it, or a refusal was at hand. */
  readonly bypasses: { readonly unproved: number; readonly fresh: number; readonly verdict: number };
  /** Reads that a change overtook: used for their request and not kept. */
  readonly overtaken: number;
  readonly evicted: number;
  readonly entries: number;
  /** As estimated. */
  readonly bytes: number;
  /** Times that a partition was emptied because it could not be told what had changed. */
  readonly partitionsLost: number;
  /** How far the engine's clock is ahead of this machine's, in milliseconds. */
  readonly clockAhead: number;
  /** From a change in the engine to when what was held of it was dropped here: counts up to each of `lagBounds`, in milliseconds. */
  readonly lag: { readonly counts: readonly number[]; readonly sum: number; readonly count: number };
}

/** Collects lags. */
export class Lags {
  readonly #counts: number[] = lagBounds.map(() => 0);
  #sum = 0;
  #count = 0;

  add(lag: number): void {
    const at = lagBounds.findIndex((bound) => lag <= bound);
    if (at !== -1) this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += lag;
    this.#count += 1;
  }

  /** Cumulative, as Prometheus counts. */
  get counts(): CacheCounts['lag'] {
    let up = 0;
    const counts = this.#counts.map((count) => {
      up += count;
      return up;
    });
    return { counts, sum: this.#sum, count: this.#count };
  }
}
