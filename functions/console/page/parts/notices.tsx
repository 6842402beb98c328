/** What the viewer is told: that something went well, or was refused and why. */
import type { ComponentChildren } from 'preact';
import type { Failed, Problem } from '../api.ts';
import { useTexts } from '../texts/index.ts';

export function Good({ children }: { readonly children: ComponentChildren }) {
  return (
    <div class="notice good" role="status">
      {children}
    </div>
  );
}

export function Bad({ children }: { readonly children: ComponentChildren }) {
  return (
    <div class="notice bad" role="alert">
      {children}
    </div>
  );
}

/** An answer that brought nothing, said plainly. */
export function Failure({ answer }: { readonly answer: Failed }) {
  const { problem } = useTexts();
  return (
    <Bad>{answer.kind === 'unreachable' ? problem.unreachable : <Refusal problem={answer.problem} />}</Bad>
  );
}

/** Stands above what was loaded before: it may be another by now. */
export function Old({ failure }: { readonly failure: Failed | undefined }) {
  const { problem } = useTexts();
  if (!failure) return null;
  return (
    <Bad>
      <p>{problem.old}</p>
      {failure.kind === 'unreachable' ? <p>{problem.noAnswer}</p> : <Refusal problem={failure.problem} />}
    </Bad>
  );
}

function Refusal({ problem }: { readonly problem: Problem }) {
  const { problem: texts } = useTexts();
  const { status, code, detail, errors = [], requestId, entityStatus, allowedTransitions } = problem;
  return (
    <>
      <p>
        <b>{texts.heading(status, code)}</b>
      </p>
      {detail !== undefined && <p>{detail}</p>}
      {code === 'insufficient_scope' && <p>{texts.missingScope('commands / ops')}</p>}
      {entityStatus !== undefined && allowedTransitions && (
        <p>{texts.allowed(entityStatus, allowedTransitions.join(', '))}</p>
      )}
      {errors.length > 0 && (
        <ul>
          {errors.map(({ path, message }) => (
            <li key={path}>
              <code>{path}</code> {message}
            </li>
          ))}
        </ul>
      )}
      {requestId !== undefined && <p class="small">{texts.request(requestId)}</p>}
    </>
  );
}
