/** Mutants that live, and why that is right. Found again by their text, so that a line that moves changes nothing. */
export interface Explained {
  /** From the root of the project. */
  readonly file: string;
  /** The text that is replaced, on one line. */
  readonly original: string;
  readonly replacement: string;
  readonly why: string;
}

export const explained: readonly Explained[] = [
  {
    file: 'functions/commands/waiting-room.ts',
    original: 'sum === 0',
    replacement: 'false',
    why: 'A name with nobody waiting counts like one that is not there; it is deleted to keep the map small.',
  },
  {
    file: 'functions/store/outbox/delivery-state.ts',
    original: 'record.leaseUntil !== undefined',
    replacement: 'true',
    why: 'No number is below `undefined`, so the comparison beside it says the same; the types ask for the check.',
  },
];
