/** What a screen shows of the API: loaded when it is opened, and again on demand or every few seconds. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Answer, Failed } from './api.ts';

export interface Loaded<T> {
  /** The newest that brought something; a failure only where nothing was brought yet. Undefined until the first. */
  readonly answer: Answer<T> | undefined;
  /** The newest answer, where it failed and `answer` is what was brought before it. */
  readonly failure: Failed | undefined;
  readonly isLoading: boolean;
  readonly reload: () => void;
}

/**
 * A failure takes nothing away from what is shown, least of all what somebody is typing into it.
 * @param name of what is loaded: another name loads anew, and shows nothing of the one before
 * @param everyMs loads it again after each answer, while the page is seen
 */
export function useLoaded<T>(name: string, load: () => Promise<Answer<T>>, everyMs?: number): Loaded<T> {
  const [state, setState] = useState<State<T>>();
  const [isLoading, setIsLoading] = useState(true);
  const [turn, setTurn] = useState(0);
  const newest = useRef(load);
  newest.current = load;
  useEffect(() => {
    let isCurrent = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async (): Promise<void> => {
      if (document.visibilityState === 'visible') {
        setIsLoading(true);
        const answer = await newest.current();
        if (!isCurrent) return;
        setState((before) => afterAnswer(before?.name === name ? before : undefined, name, answer));
        setIsLoading(false);
      }
      if (everyMs !== undefined) timer = setTimeout(() => void run(), everyMs);
    };
    void run();
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [name, turn, everyMs]);
  const reload = useCallback(() => {
    setTurn((before) => before + 1);
  }, []);
  const { answer, failure } = state?.name === name ? state : noState;
  return { answer, failure, isLoading, reload };
}

interface State<T> {
  readonly name: string;
  readonly answer: Answer<T>;
  readonly failure: Failed | undefined;
}

const noState = { answer: undefined, failure: undefined };

const afterAnswer = <T>(before: State<T> | undefined, name: string, answer: Answer<T>): State<T> =>
  answer.kind !== 'ok' && before?.answer.kind === 'ok'
    ? { ...before, failure: answer }
    : { name, answer, failure: undefined };
