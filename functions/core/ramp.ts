/** How a redrive grows: a first handful, then ever more as long as they end well. Pure. */

export interface Ramp {
  /** Messages of the first step. */
  readonly startWith: number;
  /** Each step has this many times as many as the one before. */
  readonly factor: number;
  /** Of a step, 0 to 1: where more of its messages die again, the run stops. */
  readonly stopAtFailureShare: number;
}

/** @param stepMax messages of one step at most */
export const nextSize = (size: number, { factor }: Pick<Ramp, 'factor'>, stepMax: number): number =>
  Math.min(Math.ceil(size * factor), stepMax);

/**
 * The sizes of the steps of a run over so many messages.
 * @param stepsMax sizes that are told; there may be more steps
 */
export function stepSizes(
  messages: number,
  ramp: Pick<Ramp, 'startWith' | 'factor'>,
  { stepMax, stepsMax }: { readonly stepMax: number; readonly stepsMax: number },
): readonly number[] {
  const sizes: number[] = [];
  let size = Math.min(ramp.startWith, stepMax);
  for (let left = messages; left > 0 && sizes.length < stepsMax; left -= size) {
    if (sizes.length > 0) size = nextSize(size, ramp, stepMax);
    sizes.push(Math.min(size, left));
  }
  return sizes;
}

/** Whether more of a step's messages died again than a run may bear. */
export const failsTooOften = (
  { sent, deadAgain }: { readonly sent: number; readonly deadAgain: number },
  { stopAtFailureShare }: Pick<Ramp, 'stopAtFailureShare'>,
): boolean => deadAgain > stopAtFailureShare * sent;
