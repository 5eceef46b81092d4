/** How much of a benchmark to run. */
export interface Options {
  readonly rounds?: number | undefined;
  /** So small that it only shows that everything works. */
  readonly quick: boolean;
}
