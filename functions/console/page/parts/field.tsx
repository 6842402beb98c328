/** A labelled control, with its hint and with what is wrong about it. */
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface FieldProps {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly wrong?: string | undefined;
  /** Gets what ties the control to its label. */
  readonly children: (attributes: {
    readonly id: string;
    readonly 'aria-describedby': string | undefined;
    readonly 'aria-invalid': boolean;
  }) => ComponentChildren;
}

export function Field({ label, hint, wrong, children }: FieldProps) {
  const id = useId();
  const noteId = `${id}-note`;
  const note = wrong ?? hint;
  return (
    <div class="field">
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        'aria-describedby': note === undefined ? undefined : noteId,
        'aria-invalid': wrong !== undefined,
      })}
      {note !== undefined && (
        <small id={noteId} class={wrong === undefined ? '' : 'wrong'}>
          {note}
        </small>
      )}
    </div>
  );
}

/** What a form's controls hold, by their names. */
export const valuesOf = (form: HTMLFormElement): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...new FormData(form)].map(([name, value]) => [name, typeof value === 'string' ? value : '']),
  );
