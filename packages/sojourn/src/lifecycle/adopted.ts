/** What became of a record of another engine. */
export type Adopted =
  | {
      readonly id: string;
      /**
       * `ended`: it was live here and has ended. `newer`: what is here was written, seen or ended later.
       * `past`: it need not be remembered any more.
       */
      readonly outcome: 'adopted' | 'ended' | 'unchanged' | 'newer' | 'past';
    }
  | {
      readonly id: string;
      readonly outcome: 'refused';
      /** `written_here_too`: there and here since it came. `subject_changed`: here, later than there. */
      readonly why: 'unreadable' | 'written_here_too' | 'subject_changed';
    };
