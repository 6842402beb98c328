/** What a screen shows of the API: loaded when it is opened, and again on demand or every few seconds. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Answer } from './api.ts';

export interface Loaded<T> {
  /** The newest answer; undefined until the first. */
  readonly answer: Answer<T> | undefined;
  readonly isLoading: boolean;
  readonly reload: () => void;
}

/**
 * @param name of what is loaded: another name loads anew, and shows nothing of the one before
 * @param everyMs loads it again after each answer, while the page is seen
 */
export function useLoaded<T>(name: string, load: () => Promise<Answer<T>>, everyMs?: number): Loaded<T> {
  const [state, setState] = useState<{ readonly name: string; readonly answer: Answer<T> }>();
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
        setState({ name, answer });
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
  return { answer: state?.name === name ? state.answer : undefined, isLoading, reload };
}
