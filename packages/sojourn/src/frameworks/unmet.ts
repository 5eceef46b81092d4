import type { SojournError } from '../lifecycle/errors.ts';

/** A refusal on its way from a rule to the binding that answers it, with what the rule had asked for. */
export class Unmet extends Error {
  override readonly name = 'Unmet';
  override readonly cause: SojournError;
  readonly within: number;

  constructor(cause: SojournError, within: number) {
    super(cause.message);
    this.cause = cause;
    this.within = within;
  }

  /** The refusal in whatever was thrown; anything else is its own cause. */
  static of(error: unknown): { readonly cause: unknown; readonly within?: number } {
    return error instanceof Unmet ? error : { cause: error };
  }
}
